"""Rows that are compared one by one: vectors in memory or mapped from a segment, and which of them may be found."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from imagegen_kit.errors import MissingDependency

NARROW = 0.1  # a filter that keeps less is answered from a copy of those rows: faster than passing over the others
FEW = 1024  # rows of which a copy is always cheaper
COPIED_BYTES = 16 << 20  # how much is copied at once


def load_faiss() -> Any:
    """Return the module faiss, imported at first use. Raises MissingDependency."""
    if (loaded := sys.modules.get("faiss")) is not None and hasattr(loaded, "knn_inner_product"):
        return loaded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SWIG's types without __module__, from Python 3.12 on
        try:
            return import_module("faiss")
        except ImportError as error:
            raise MissingDependency("vector search", "faiss", "pip install faiss-cpu") from error


class Rows:
    """``vectors`` (n, d) float32 and their ``ids`` (n,) int64; ``live`` (n,) bool, None where all may be found."""

    def __init__(self, ids: np.ndarray, vectors: np.ndarray, live: np.ndarray | None = None) -> None:
        self.ids, self.vectors, self.live = ids, vectors, live
        self.count = len(ids) if live is None else int(np.count_nonzero(live))

    @cached_property
    def selector(self) -> Bitmap | None:
        """What faiss asks whether a row may be found; None: all."""
        return None if self.live is None else Bitmap(self.live)

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The ids in ascending order, and in which row each is (None: in the same place)."""
        if bool(np.all(self.ids[1:] > self.ids[:-1])):
            return self.ids, None
        order = np.argsort(self.ids, kind="stable")
        return self.ids[order], order

    def places(self, ids: np.ndarray) -> np.ndarray:
        """Return in which rows those of ``ids`` (ascending) are that may be found here, ascending."""
        known, order = self._sorted
        if not len(known):
            return np.empty(0, np.int64)
        low, high = np.searchsorted(ids, known[0]), np.searchsorted(ids, known[-1], side="right")
        here = ids[low:high]
        at = np.searchsorted(known, here)  # never past the end: no id here is above the last
        at = at[known[at] == here]
        if order is not None:
            at = np.sort(order[at])
        return at if self.live is None else at[self.live[at]]


class Bitmap:
    """A faiss selector of the rows where ``mask`` is set; it keeps the bits that faiss reads alive."""

    def __init__(self, mask: np.ndarray) -> None:
        faiss = load_faiss()
        self.bits = np.packbits(mask, bitorder="little")
        self.selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(self.bits))


def nearest(
    queries: np.ndarray, vectors: np.ndarray, top_k: int, selector: Bitmap | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compare all ``vectors`` with ``queries`` and return scores and rows, (q, k) each, best first; row -1: none.

    k is the smaller of ``top_k`` and the number of vectors. faiss's own loop, called without its wrapper: one thread
    for fewer than 20 queries, which is as fast as memory is read and is not held up by busy neighbours, as two threads
    of a BLAS are.
    """
    faiss = load_faiss()
    k = min(top_k, len(vectors))
    scores, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    pointer = faiss.swig_ptr
    given = (pointer(queries), pointer(vectors), queries.shape[1], len(queries), len(vectors), k, pointer(scores))
    if selector is None:
        faiss.knn_inner_product(*given, pointer(rows))
    else:
        faiss.knn_inner_product(*given, pointer(rows), selector.selector)
    return scores, rows


def named(scores: np.ndarray, rows: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and ids in place of rows; -inf and -1 where there is no row."""
    found = ids[rows]  # row -1 reads the last id, and is put right below
    if rows.size and rows.min() < 0:
        found[rows < 0] = -1
        scores[rows < 0] = -np.inf
    return scores, found


def best(parts: Sequence[tuple[np.ndarray, np.ndarray]], top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge answers of the same queries: scores and ids, best first, the smaller id first where scores are equal."""
    if len(parts) == 1 and parts[0][0].shape[1] <= top_k:
        return parts[0]
    scores, ids = (np.concatenate([part[i] for part in parts], axis=1) for i in (0, 1))
    order = np.lexsort((ids, -scores), axis=1)[:, :top_k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)


def compare(
    blocks: Sequence[Rows], queries: np.ndarray, top_k: int, places: Sequence[np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compare every row that may be found, or those of ``places`` (rows of each block), and return scores and ids."""
    if places is None:
        parts = [named(*nearest(queries, b.vectors, top_k, b.selector), b.ids) for b in blocks if b.count]
    else:
        parts = [
            part for b, at in zip(blocks, places, strict=True) if len(at) for part in _chosen(b, at, queries, top_k)
        ]
    if not parts:
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    return best(parts, top_k)


def _chosen(block: Rows, at: np.ndarray, queries: np.ndarray, top_k: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    if len(at) > max(FEW, NARROW * len(block.ids)):
        mask = np.zeros(len(block.ids), bool)
        mask[at] = True
        yield named(*nearest(queries, block.vectors, top_k, Bitmap(mask)), block.ids)
        return
    step = max(FEW, COPIED_BYTES // block.vectors[0].nbytes)
    for start in range(0, len(at), step):
        part = at[start : start + step]
        yield named(*nearest(queries, block.vectors[part], top_k), block.ids[part])
