"""Exact answers from vectors of half precision: they say which rows may be the best, and by how much they are off."""

from __future__ import annotations

from typing import Any

import numpy as np

from imagegen_kit.retrieval.index.scan import SHARED_FROM, load_faiss, nearest, one_thread

WORTH = 3_000_000  # numbers; below, half the bytes save less than comparing the candidates again costs
MOST_THREADS = 4  # faiss's setting; with more, faiss divides a single query among them and full precision is faster
MOST_QUERIES = 20  # from here on faiss multiplies matrices, which full precision does best
CANDIDATES = 40
LANES = 16  # numbers; at another dimension than a multiple faiss decodes one number after the other, 10 times slower


def half_error(dimension: int) -> float:
    """Return by how much an inner product of vectors of length 1 can be off when one of them has half precision.

    Rounding to 11 bits moves a vector by at most 2**-11 of its length, so by Cauchy and Schwarz no inner product by
    more; the rest is the sum itself in float32, over at least 4 lanes.
    """
    return 1.005 * 2.0**-11 + dimension * 2.0**-26


def worth_halving(vectors: np.ndarray, queries: int, top_k: int) -> bool:
    """Say whether looking at half the bytes first is faster."""
    many = vectors.size >= WORTH or len(vectors) >= SHARED_FROM
    few = queries < MOST_QUERIES and len(vectors) > 20 * top_k
    return many and few and load_faiss().omp_get_max_threads() <= MOST_THREADS


def search_half(index: Any, queries: np.ndarray, candidates: int, params: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ask a flat faiss index of half precision for ``candidates`` rows of each query.

    faiss divides the queries among its threads; of one query alone there is nothing to divide.
    """
    pointer = load_faiss().swig_ptr
    scores = np.empty((len(queries), candidates), np.float32)
    rows = np.empty((len(queries), candidates), np.int64)
    with one_thread(len(queries) == 1):
        index.search_c(len(queries), pointer(queries), candidates, pointer(scores), pointer(rows), params)
    return scores, rows


class Halved:
    """A copy of ``vectors``, (n, d) float32 of length 1, in half precision."""

    def __init__(self, vectors: np.ndarray) -> None:
        faiss = load_faiss()
        kind, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        self._padding = ((0, 0), (0, -vectors.shape[1] % LANES))
        self._index = faiss.IndexScalarQuantizer(vectors.shape[1] + self._padding[1][1], kind, metric)
        self._index.add(self._padded(vectors))

    def _padded(self, vectors: np.ndarray) -> np.ndarray:
        return np.pad(vectors, self._padding) if self._padding[1][1] else vectors

    def nearest(self, queries: np.ndarray, vectors: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and rows, (q, top_k) each, as comparing all of ``vectors`` in full precision would.

        Candidates are compared again in full precision; where a row outside them could still be better, all are.
        """
        roughly, candidates = search_half(self._index, self._padded(queries), max(CANDIDATES, 4 * top_k), None)
        scores = np.empty((len(queries), top_k), np.float32)
        rows = np.empty((len(queries), top_k), np.int64)
        error = half_error(vectors.shape[1])
        for number, chosen in enumerate(candidates):
            query = queries[number : number + 1]
            found, at = nearest(query, vectors[chosen], top_k)
            off = error * float(query[0] @ query[0]) ** 0.5
            if roughly[number, -1] + off < found[0, -1]:
                at = chosen[at]
            else:
                found, at = nearest(query, vectors, top_k)
            scores[number], rows[number] = found[0], at[0]
        return scores, rows
