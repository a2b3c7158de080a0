"""How well the consistency score tells one figure, edited, from another one of its folder under the same edits.

``python -m benchmarks consistency``, or ``python -m benchmarks.consistency train`` for the half that everything was
tuned on. Each single feature answers the same pairs; intervals are bootstraps over figures, differences paired.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.consistency_fit import Looked, looked_at, parts_of
from benchmarks.measure import Figure, Outcome
from imagegen_kit.catalog import find_data
from imagegen_kit.retrieval.embedders.foreground import cut_out
from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder
from imagegen_kit.scorers.consistency.backdrop import unlike_backdrop
from imagegen_kit.scorers.consistency.drawn import PARTS, DrawnFeature, shipped_numbers
from imagegen_kit.scorers.consistency.feature import look_at

RESAMPLES = 2_000
SEED = 7
Scores = dict[str, np.ndarray]  # (2, n): the same figure, another one
SCENES = ("bedroom", "autumn-scene", "beach-footprints")


def auc(scores: np.ndarray) -> float:
    """Return the share of all (same, other) pairs that are in the right order, ties half, from (2, n) scores."""
    from scipy.stats import rankdata

    n = scores.shape[1]
    ranks = rankdata(scores.ravel())[:n].sum()
    return float((ranks - n * (n + 1) / 2) / n**2)


def bootstrap(statistic: Callable[[np.ndarray], float], n: int) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of the places that were drawn, over figures."""
    chance = np.random.default_rng(SEED)
    values = [statistic(chance.integers(0, n, n)) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def score_all(found: Sequence[Looked]) -> Scores:
    """Return the scores of the drawn feature and of each single one, of the same pairs."""
    feature, numbers = DrawnFeature(), shipped_numbers()[0]
    both = np.stack(parts_of(feature, found))
    scores: Scores = {"drawn": both @ numbers.weights + numbers.bias}
    scores |= {name: both[..., place] for place, name in enumerate(PARTS)}
    upright = [
        Looked(
            one.pair,
            *(look._replace(outlines=look.outlines[:1]) for look in (one.plain, one.same, one.different)),
        )
        for one in found
    ]
    scores["outlines, mirrored only"] = np.stack(parts_of(feature, upright))[..., 2]
    rows = [_others(one) for one in found]
    return scores | {name: np.array([row[name] for row in rows]).T for name in rows[0]}


def _others(one: Looked) -> dict[str, tuple[float, float]]:
    from imagehash import dhash, phash

    images = (one.pair.plain, one.pair.same, one.pair.different)
    vectors = OfflineEmbedder().embed_images(images)
    crops = []
    for image in images:
        shown = cut_out(image, unlike_backdrop)
        paper = shown.rgb * shown.mask[..., None] + 1 - shown.mask[..., None]
        crops.append(Image.fromarray((paper * 255).astype(np.uint8)))
    found = {"offline embedder": (float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2]))}
    for name, hashed in (("pHash of the foreground", phash), ("dHash of the foreground", dhash)):
        plain, same, different = map(hashed, crops)
        found[name] = (-float(plain - same), -float(plain - different))
    return found


def on_scenes(found: Sequence[Looked]) -> np.ndarray:
    """Return (2, n) scores of every fourth pair where the edited pictures are pasted on a drawn scene."""
    feature = DrawnFeature()
    home = find_data("references") / "pictures"
    scenes = [Image.open(home / f"{name}.webp").convert("RGB") for name in SCENES]
    rows = []
    for place, one in enumerate(found[::4]):
        looks = [feature.look(image) for image in one.pair.on_scene(scenes[place % len(scenes)])]
        rows.append(feature.likenesses([one.plain, *looks])[0, 1:])
    return np.array(rows).T


def cpu_ms(found: Sequence[Looked]) -> list[float]:
    """Return the CPU of one look at a picture of 512 pixels, in ms; five rounds of twenty pictures."""
    feature = DrawnFeature()
    images = [one.pair.same for one in found[:20]]
    times = []
    for _ in range(6):
        start = time.process_time()
        for image in images:
            look_at(image, feature)
        times.append((time.process_time() - start) * 1e3 / len(images))
    return times[1:]


def benchmark(quick: bool = False, profile: bool = False, half: str = "test") -> Outcome:
    """Return the figures of ``half``; ``quick`` and ``profile`` change nothing."""
    found = looked_at(half)
    scores = score_all(found)
    ours, n = scores["drawn"], len(found)
    single = max((name for name in scores if name != "drawn"), key=lambda name: auc(scores[name]))
    best = scores[single]
    difference = auc(best) - auc(ours)
    span = bootstrap(lambda places: auc(ours[:, places]) - auc(best[:, places]), n)
    notes = [f"{n} figures of the {half} half, each with another one of its folder"]
    for name, value in scores.items():
        low, high = bootstrap(lambda places, value=value: auc(value[:, places]), n)  # type: ignore[misc]
        right = float((value[0] > value[1]).mean() + (value[0] == value[1]).mean() / 2)
        notes.append(f"{name}: AUC {auc(value):.3f} [{low:.3f}, {high:.3f}], of its own pair right {right:.3f}")
    notes.append(f"drawn - {single}: {-difference:+.4f} [{span[0]:+.4f}, {span[1]:+.4f}]")
    even = np.array([one.pair.edit.even for one in found])
    notes.append(f"on even backgrounds {auc(ours[:, even]):.3f}, on sloped ones {auc(ours[:, ~even]):.3f}")
    notes.append(f"told only: pasted on a drawn scene, every fourth figure: {auc(on_scenes(found)):.3f}")
    figures: list[Any] = [
        Figure("1 - AUC of the drawn feature", "", [1 - auc(ours)], 0.08),
        Figure("AUC of the best single feature - AUC of the drawn one", "", [difference], 0.0),
        Figure("CPU of a look at a picture of 512 px", "ms", cpu_ms(found), 12.0),
    ]
    return Outcome(figures, notes)


if __name__ == "__main__":
    from benchmarks.measure import load, show

    before, start = load(), time.perf_counter()
    outcome = benchmark(half=sys.argv[1] if len(sys.argv) > 1 else "test")
    show("consistency", outcome, before, load(), time.perf_counter() - start)
