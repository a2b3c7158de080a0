"""How good a ranking is against what is relevant, and how sure that is: formulae on plain lists and arrays.

Relevance is yes or no. k is how many hits are looked at, R the relevant items, and r(i) 1 where the hit at rank i is
relevant, else 0. Sources: Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), chapter 8, for
precision, recall and MRR; Järvelin and Kekäläinen, ACM TOIS 20 (2002), for nDCG; Efron and Tibshirani, "An Introduction
to the Bootstrap" (1993), chapter 13, for the intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

MEASURES = ("recall", "hit", "precision", "mrr", "ndcg")
_CHUNK = 2_000_000  # numbers that are drawn at once


def measured(found: Sequence[int], relevant: Collection[int], top_k: int) -> dict[str, float]:
    """Return the measures of one query; ``found`` are item numbers, best first, of which the first ``top_k`` count.

    - recall = Σ r(i) / |R|
    - hit = 1 where any r(i) is 1, else 0 (also called success@k)
    - precision = Σ r(i) / k, so that hits which did not come count as wrong
    - mrr = 1 / the rank of the first relevant hit, 0 where none is among the k
    - ndcg = DCG / the DCG of min(|R|, k) relevant hits at the top, with DCG = Σ r(i) / log2(i + 1)

    >>> measured([7, 3, 9], {3, 5}, 3)["mrr"]
    0.5
    """
    ranks = [rank for rank, number in enumerate(found[:top_k], 1) if number in relevant]
    gain = sum(1 / math.log2(rank + 1) for rank in ranks)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(relevant), top_k) + 1))
    return {
        "recall": len(ranks) / len(relevant),
        "hit": float(bool(ranks)),
        "precision": len(ranks) / top_k,
        "mrr": 1 / ranks[0] if ranks else 0.0,
        "ndcg": gain / best,
    }


def interval(values: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of ``values`` (n,), one value a query.

    Queries are drawn n times with replacement, ``resamples`` times. Fewer than two queries have no interval: NaN.
    For the difference of two retrievers give their differences query by query (paired).
    """
    count = len(values)
    if count < 2 or resamples < 1:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // count)
    means = [
        values[rng.integers(0, count, (min(rows, resamples - start), count))].mean(axis=1)
        for start in range(0, resamples, rows)
    ]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)
