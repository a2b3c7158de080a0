"""How many pictures of 512 pixels a core scores in a second, by each scorer without download and by all of them.

One process, one thread, pictures in memory as PNG: decoding is told apart. Each picture has a prompt and a reference,
in sets of eight. ``python -m benchmarks scoring``.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from benchmarks.measure import Figure, Outcome
from imagegen_kit.imaging.encode import encode
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry import get_registry
from imagegen_kit.scorers import Subject
from imagegen_kit.scorers.remembered import forget
from imagegen_kit.types import ImageRequest, Reference

SIDE, SET = 512, 8
OUTSIDE = {"legibility"}  # asks another program, and only where a prompt asks for text
TARGET_MS = 1000 / 15  # a picture, all of them together


def pictures(count: int) -> list[Picture]:
    """Return soft forms with grain, lines and even areas, all different."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        soft = Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8)).resize((SIDE, SIDE), Image.BICUBIC)
        pixels = np.asarray(soft) + rng.normal(0, 4, (SIDE, SIDE, 1))
        pixels[:, : SIDE // 8] = pixels[:, -SIDE // 8 :] = 250
        for top in rng.integers(0, SIDE - 4, 12):
            pixels[top : top + 4, SIDE // 8 : -SIDE // 8] = 20
        made.append(Picture.from_bytes(encode(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))))
    return made


def seconds(scorers: dict[str, Any], shown: list[Picture], reference: Reference) -> dict[str, float]:
    """Return the seconds of CPU of each scorer for all pictures, in sets of eight, and of decoding them."""
    request = ImageRequest(prompt="a kite over hills", model="offline/collage", references=(reference,))
    registry, spent = get_registry(), dict.fromkeys(["decoding", *scorers], 0.0)
    for start in range(0, len(shown), SET):
        whole = [Subject(picture, request) for picture in shown[start : start + SET]]
        begun = time.process_time()
        for subject in whole:
            subject.image.load()
        spent["decoding"] += time.process_time() - begun
        for name, scorer in scorers.items():
            seen = [subject.seen_by(registry.scorer(name).reads, name) for subject in whole]
            begun = time.process_time()
            scorer.score(seen)
            spent[name] += time.process_time() - begun
    return spent


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure every registered scorer that is made without options and needs no weights."""
    out, registry = Outcome(), get_registry()
    scorers: dict[str, Any] = {}
    for name in registry.scorers():
        if name in OUTSIDE:
            continue
        try:
            scorers[name] = registry.scorer_target(name)()
        except Exception as error:  # one with weights, or of a vendor
            out.notes.append(f"{name} is left out: {error}"[:200])
    count = 16 if quick else 64
    *shown, reference = pictures(count + 1)
    seconds(scorers, shown[:SET], Reference(reference))  # imports, tables and caches
    found: list[dict[str, float]] = []
    for _ in range(2 if quick else 5):
        forget()
        gc.collect()
        with threadpool_limits(1):
            found.append(seconds(scorers, shown, Reference(reference)))
    for name in ["decoding", *scorers]:
        out.figures.append(Figure(f"{name}, CPU a picture", "ms", [run[name] / count * 1e3 for run in found]))
    whole = [sum(run.values()) / count * 1e3 for run in found]
    out.figures.append(Figure("all of them and decoding, CPU a picture", "ms", whole, TARGET_MS))
    out.notes.append(f"{1000 / out.figures[-1].middle:.1f} pictures a second on one core; legibility is left out.")
    out.notes.append("What several look at is paid for by the first of them: vectors by diversity, in this order.")
    return out
