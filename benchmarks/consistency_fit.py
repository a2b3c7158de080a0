"""Fit the numbers of the drawn feature of consistency on the train half: ``python -m benchmarks.consistency_fit``.

Writes ``imagegen_kit/scorers/consistency/drawn.json``: the mean outlines, the weights of the three cosines (logistic
regression, pairs of one figure against pairs of two), and quantiles of the likeness of different figures. Nothing is
left to chance but what hangs on the figures' names.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.consistency_pairs import Pair, pairs
from benchmarks.openclipart import fetch
from imagegen_kit.retrieval.embedders.features import SHAPE_SIZE
from imagegen_kit.scorers.consistency.drawn import NUMBERS, DrawnFeature, Look, Numbers
from imagegen_kit.scorers.consistency.outlines import mirrored

QUANTILES = 201


@dataclass(frozen=True, slots=True)
class Looked:
    """What the feature keeps of the three pictures of a pair."""

    pair: Pair
    plain: Look
    same: Look
    different: Look


def looked_at(half: str) -> list[Looked]:
    """Return every pair of ``half`` as the feature sees it."""
    feature = DrawnFeature(Numbers(np.zeros(3), 0.0, np.zeros(SHAPE_SIZE), np.zeros(2)))
    return [
        Looked(pair, *(feature.look(image) for image in (pair.plain, pair.same, pair.different)))
        for pair in pairs(fetch(), half)
    ]


def fit(found: Sequence[Looked]) -> Numbers:
    """Return the numbers of the train half's pairs."""
    from statsmodels.api import Logit

    outlines = np.stack([look.outlines[0] for one in found for look in (one.plain, one.same, one.different)])
    mean = ((outlines + mirrored(outlines)) / 2).mean(axis=0).round(4).astype(np.float64)
    feature = DrawnFeature(Numbers(np.zeros(3), 0.0, mean, np.zeros(2)))
    same, different = parts_of(feature, found)
    rows = np.concatenate([same, different])
    answer = np.repeat([1.0, 0.0], [len(same), len(different)])
    weights = Logit(answer, np.column_stack([rows, np.ones(len(rows))])).fit(disp=False).params.round(4)
    if not (weights[:3] > 0).all():
        raise SystemExit(f"A likeness must not fall where a part grows, but the weights are {weights}.")
    calibrated = DrawnFeature(Numbers(weights[:3], float(weights[3]), mean, np.zeros(2)))
    quantiles = np.quantile(look_alikes(calibrated, found), np.linspace(0, 1, QUANTILES)).round(6)
    return Numbers(weights[:3], float(weights[3]), mean, quantiles)


def parts_of(feature: DrawnFeature, found: Sequence[Looked]) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 3) cosines of each figure with itself edited, and with the other one edited."""
    rows = [feature.parts([one.plain, one.same, one.different])[0, 1:] for one in found]
    both = np.stack(rows)
    return both[:, 0], both[:, 1]


def look_alikes(feature: DrawnFeature, found: Sequence[Looked]) -> np.ndarray:
    """Return the likenesses of each figure with all others of its folder, edited."""
    folders = defaultdict(list)
    for one in found:
        folders[one.pair.figure.folder].append(one)
    values = []
    for members in folders.values():
        across = feature.likenesses([*(one.plain for one in members), *(one.same for one in members)])
        values.append(across[: len(members), len(members) :][~np.eye(len(members), dtype=bool)])
    return np.concatenate(values)


if __name__ == "__main__":
    numbers = fit(looked_at("train"))
    plain = {name: np.asarray(value).tolist() for name, value in numbers._asdict().items()}
    NUMBERS.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in plain.items()) + "\n}\n")
    print(f"weights {numbers.weights}, bias {numbers.bias}; median look-alike {numbers.look_alikes[QUANTILES // 2]}")
