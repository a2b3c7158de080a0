"""How well the rules of the scorer ``sketch`` tell good sketches from bad ones, and what ``auto_fix`` makes of them.

``python -m benchmarks sketch``, or ``python -m benchmarks.sketch train`` for the half that all limits were tuned on.
The sketches are drawn from openclipart (``sketch_pictures.py``); a handful of photos come with scikit-image.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.measure import Figure, Outcome
from benchmarks.openclipart import drawings, fetch
from benchmarks.sketch_pictures import CLASSES, figures, finished
from imagegen_kit.scorers.sketch import SketchReport, auto_fix, sketch_report
from imagegen_kit.scorers.sketch.steps import STEPS, apply

FIGURES = 120
PHOTOS = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
GOOD_FAIL, CLASS_PASS, MEAN_PASS, BROKEN, CPU_MS = 0.10, 0.15, 0.10, 0.01, 40


@dataclass(slots=True)
class Judged:
    """One picture: its class, its report, the milliseconds of CPU that it took, and whether it passes when fixed.

    ``forced`` says whether a good one still passes when every step is done to it, needed or not.
    """

    kind: str
    name: str
    report: SketchReport
    cpu_ms: float
    mended: bool
    forced: bool | None = None


def photos() -> Iterator[Image.Image]:
    """Yield the photos that scikit-image brings."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    for name in PHOTOS:
        with Image.open(folder / name) as image:
            yield image.convert("RGB")


def judged(half: str, count: int) -> Iterator[Judged]:
    """Yield every picture of a half, and the photos."""
    share = fetch()
    for figure in figures(share, drawings(share), half, count):
        for kind in CLASSES:
            yield judge(kind, figure.name, finished(figure, kind))
    for name, photo in zip(PHOTOS, photos(), strict=True):
        yield judge("photo", name, photo)


def judge(kind: str, name: str, image: Image.Image) -> Judged:
    start = time.process_time()
    report = sketch_report(image)
    cpu_ms = (time.process_time() - start) * 1e3
    forced = passes_after_every_step(image) if kind == "good" and report.passed else None
    return Judged(kind, name, report, cpu_ms, auto_fix(image).after.passed, forced)


def passes_after_every_step(image: Image.Image) -> bool:
    for step in STEPS:
        done = apply(step, image)
        image = image if done is None else done[0]
    return sketch_report(image).passed


def table(found: list[Judged]) -> str:
    """Return the confusion by class: pictures, passed, passed when fixed, and how many each rule refused."""
    lines = []
    for kind in [*CLASSES, "photo"]:
        mine = [j for j in found if j.kind == kind]
        refused: dict[str, int] = {}
        for j in mine:
            for rule in j.report.failed:
                refused[rule] = refused.get(rule, 0) + 1
        by = ", ".join(f"{rule} {n}" for rule, n in sorted(refused.items(), key=lambda pair: -pair[1]))
        passed, mended = sum(j.report.passed for j in mine), sum(j.mended for j in mine)
        lines.append(f"{kind}: {passed} of {len(mine)} pass, {mended} when fixed; refused by {by or 'none'}")
    return "\n".join(lines)


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure the test half."""
    return outcome(list(judged("test", 20 if quick else FIGURES)))


def outcome(found: list[Judged]) -> Outcome:
    """Return the figures of what was judged."""
    out = Outcome(notes=table(found).split("\n"))
    passing = {kind: share([j.report.passed for j in found if j.kind == kind]) for kind in [*CLASSES, "photo"]}
    out.figures.append(Figure("good sketches refused", "share", [1 - passing.pop("good")], GOOD_FAIL))
    out.figures += [Figure(f"{kind} that pass", "share", [passed], CLASS_PASS) for kind, passed in passing.items()]
    out.figures.append(Figure("bad classes, mean", "share", [sum(passing.values()) / len(passing)], MEAN_PASS))
    good = [j for j in found if j.kind == "good" and j.report.passed]
    out.figures.append(Figure("good ones that auto-fix breaks", "share", [1 - share([j.mended for j in good])], BROKEN))
    forced = 1 - share([bool(j.forced) for j in good])
    out.figures.append(Figure("good ones that all steps together break", "share", [forced], BROKEN))
    out.figures.append(Figure("report, CPU a picture", "ms", [j.cpu_ms for j in found], CPU_MS))
    return out


def share(answers: list[bool]) -> float:
    return sum(answers) / max(1, len(answers))


if __name__ == "__main__":
    seen = list(judged(sys.argv[1] if len(sys.argv) > 1 else "test", FIGURES))
    print(table(seen))
    for one in seen:
        if one.report.passed != (one.kind == "good"):
            print(f"  {one.kind} {one.name}: {one.report!r}")
    for row in outcome(seen).figures:
        print(f"{row.name}: {row.middle:.4f} {row.unit} {row.verdict}")
