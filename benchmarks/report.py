"""How long a report of 200 pictures takes, and how large it is: targets 10 s and 5 MB.

``python -m benchmarks.report`` makes the run (20 prompts, 5 models, 2 repeats, noise and shapes of 768 pixels,
scored and voted on) in a store of its own, then writes the page three times.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import imagegen_kit as ik

MODELS, PROMPTS, REPEATS, SIDE = 5, 20, 2, 768


def main() -> None:
    from PIL import Image, ImageDraw, ImageFilter

    with tempfile.TemporaryDirectory() as folder:
        ik.configure(store=Path(folder) / "imagegen-store")

        def draw(request, shade=0):
            grain = Image.effect_noise((SIDE, SIDE), 30 + shade * 12).filter(ImageFilter.GaussianBlur(1.2))
            picture = Image.merge("RGB", (grain, grain.rotate(90), grain.rotate(180)))
            at = 40 + hash((request.prompt, request.sample)) % 300
            ImageDraw.Draw(picture).ellipse([at, 60, at + 320, 420], fill=(40 * shade, 90, 200))
            return picture

        for i in range(MODELS):
            ik.register(model=f"bench/m{i}", version="1", price_usd=0.01)(lambda r, i=i: draw(r, i))
        run = ik.Experiment(
            vary={"prompt": [f"scene {i}" for i in range(PROMPTS)], "model": [f"bench/m{i}" for i in range(MODELS)]},
            repeats=REPEATS, name="two hundred",
        ).run(progress=False)  # fmt: skip
        run.score("technical", progress=False)
        for _ in range(3):
            began = time.perf_counter()
            page = run.report(Path(folder) / "page.html")
            took = time.perf_counter() - began
            print(f"{len(run)} pictures: {took:.1f} s, {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
