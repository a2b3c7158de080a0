"""How long the page of a report of 200 pictures takes, and how large it is; and the same of a run of 1,000 pictures.

20 prompts (100), 5 models, 2 repeats: noise and shapes of 768 pixels, scored. Each page is the first of a process of
its own and store, so that imports and small copies are part of it. ``python -m benchmarks report``.
"""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh

MODELS, REPEATS, SIDE = 5, 2, 768
TARGET_S, TARGET_MB = 10, 5


def page(prompts: int) -> dict[str, Any]:
    """Make a run of so many prompts, and its page; return its seconds, MB and how many pictures stand in it."""
    from PIL import Image, ImageDraw, ImageFilter

    import imagegen_kit as ik

    def draw(request: Any, shade: int) -> Image.Image:
        grain = Image.effect_noise((SIDE, SIDE), 30 + shade * 12).filter(ImageFilter.GaussianBlur(1.2))
        picture = Image.merge("RGB", (grain, grain.rotate(90), grain.rotate(180)))
        at = 40 + zlib.crc32(f"{request.prompt} {request.sample}".encode()) % 300
        ImageDraw.Draw(picture).ellipse([at, 60, at + 320, 420], fill=(40 * shade, 90, 200))
        return picture

    ik.configure(store=Path.cwd() / "store")
    for number in range(MODELS):
        ik.register(model=f"bench/m{number}", version="1", price_usd=0.01)(lambda r, number=number: draw(r, number))
    run = ik.Experiment(
        vary={"prompt": [f"scene {i}" for i in range(prompts)], "model": [f"bench/m{i}" for i in range(MODELS)]},
        repeats=REPEATS, name="many",
    ).run(progress=False)  # fmt: skip
    run.score("technical", progress=False)
    begun = time.perf_counter()
    written = run.report("page.html")
    took = time.perf_counter() - begun
    shown = written.read_bytes().count(b"data:image/webp")
    return {"s": took, "mb": written.stat().st_size / 1e6, "shown": shown, "of": len(run)}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure the page of 200 pictures, and unless ``quick`` that of 1,000, of which as many are shown."""
    out = Outcome()
    for prompts in (20,) if quick else (20, 100):
        found = [fresh(page, prompts=prompts) for _ in range(1 if quick or prompts > 20 else 3)]
        of = f"{found[0]['of']:,} pictures"
        out.figures.append(Figure(f"page of {of}, wall", "s", column(found, "s"), TARGET_S))
        out.figures.append(Figure(f"page of {of}, size", "MB", column(found, "mb"), TARGET_MB))
        out.notes.append(f"Of {of} {found[0]['shown']} are shown.")
    return out
