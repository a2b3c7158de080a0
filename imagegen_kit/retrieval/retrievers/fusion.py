"""Arithmetic of rankings, on arrays alone: channels into one order, and an order into a varied one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagegen_kit.retrieval.tuned import RANK_CONSTANT


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """What one channel found, best first: ``numbers`` (n,) int64 of items, ``scores`` (n,) in 0..1, and its weight.

    ``full`` says that the channel was cut at the depth it was asked for: there may be more.
    """

    channel: str
    numbers: np.ndarray
    scores: np.ndarray
    weight: float
    exact: bool = True
    full: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Items in their final order: ``numbers``, the ``values`` that they are ordered by, and their ``scores``."""

    numbers: np.ndarray
    values: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def only(self, which: np.ndarray | slice) -> Fused:
        """Return the items that ``which`` (a mask, places in the new order, or a slice) names."""
        return Fused(self.numbers[which], self.values[which], self.scores[which])


def rank_constant(items: int) -> float:
    """Return the constant of ``fuse`` for so many items: ``tuned.RANK_CONSTANT``, or a tenth of them where it is less.

    Among 40 items the usual 60 would make the last hardly worse than the first, and whatever two channels found first.
    """
    return min(RANK_CONSTANT, max(1.0, items / 10))


def fuse(ranked: Sequence[Ranked], constant: float = RANK_CONSTANT) -> Fused:
    """Return one order of what several channels found: weighted reciprocal rank fusion.

    value(i) = Σ over channels of weight / (constant + rank of i there), ranks from 1 (Cormack, Clarke and Büttcher,
    SIGIR 2009), an item that a channel did not find getting nothing from it. score(i) = Σ weight × score there / Σ
    weight. Equal values go by score, then by number, so that the order never depends on chance.
    """
    if len(ranked) == 1:  # the channel's own order
        only = ranked[0]
        return Fused(only.numbers, only.weight / (constant + 1 + np.arange(len(only.numbers))), only.scores)
    numbers, where = np.unique(np.concatenate([r.numbers for r in ranked]), return_inverse=True)
    values, scores = np.zeros(len(numbers)), np.zeros(len(numbers))
    start = 0
    for one in ranked:
        places = where[start : start + len(one.numbers)]
        start += len(one.numbers)
        values[places] += one.weight / (constant + 1 + np.arange(len(places)))
        scores[places] += one.weight * one.scores
    scores /= sum(r.weight for r in ranked) or 1.0
    return Fused(numbers, values, scores).only(np.lexsort((numbers, -scores, -values)))


def varied(scores: np.ndarray, vectors: np.ndarray, top_k: int, diversity: float) -> np.ndarray:
    """Return the places of ``top_k`` items that are good and unlike each other, in the order in which they are taken.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): the first item is taken; next comes what is
    largest in (1 - diversity) × score / the best score - diversity × the largest cosine to an item already taken. Of
    equal ones the earlier is taken. ``vectors`` is (n, d), of length 1.
    """
    worth = scores / max(float(scores.max(initial=0.0)), 1e-12)
    nearest = np.zeros(len(scores))
    free = np.ones(len(scores), dtype=bool)
    taken: list[int] = []
    for _ in range(min(top_k, len(scores))):
        gain = np.where(free, (1 - diversity) * worth - diversity * nearest, -np.inf)
        best = int(np.argmax(gain)) if taken else 0
        taken.append(best)
        free[best] = False
        nearest = np.maximum(nearest, np.clip(vectors @ vectors[best], 0.0, 1.0))
    return np.array(taken, dtype=np.int64)
