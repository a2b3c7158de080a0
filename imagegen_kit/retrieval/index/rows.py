"""Rows that are compared one by one: vectors in memory or mapped from a segment, and which of them may be found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from imagegen_kit.retrieval.index.half import Halved, worth_halving
from imagegen_kit.retrieval.index.scan import Bitmap, best, named, nearest

NARROW = 0.1  # a filter that keeps less is answered from a copy of those rows: faster than passing over the others
FEW = 1024  # rows of which a copy is always cheaper
COPIED_BYTES = 16 << 20  # how much is copied at once


class Rows:
    """``vectors`` (n, d) float32 and their ``ids`` (n,) int64; ``live`` (n,) bool, None where all may be found.

    ``held``: there is memory for a second copy of them in half the bytes, which is read twice as fast.
    """

    def __init__(
        self, ids: np.ndarray, vectors: np.ndarray, live: np.ndarray | None = None, *, held: bool = False
    ) -> None:
        self.ids, self.vectors, self.live, self.held = ids, vectors, live, held
        self.count = len(ids) if live is None else int(np.count_nonzero(live))

    @cached_property
    def selector(self) -> Bitmap | None:
        """What faiss asks whether a row may be found; None: all."""
        return None if self.live is None else Bitmap(self.live)

    @cached_property
    def halved(self) -> Halved:
        """The copy in half precision."""
        return Halved(self.vectors)

    def nearest(self, queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        """Compare all rows that may be found and return scores and ids, best first; -inf and -1 where there is none."""
        if self.held and self.live is None and worth_halving(self.vectors, len(queries), top_k):
            scores, rows = self.halved.nearest(queries, self.vectors, top_k)
        else:
            scores, rows = nearest(queries, self.vectors, top_k, self.selector)
        return named(scores, rows, self.ids)

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

    def all_places(self, ids: np.ndarray) -> np.ndarray | None:
        """Return in which row each of ``ids`` (in any order) is; None where one of them may not be found here."""
        known, order = self._sorted
        if not len(known):
            return None
        at = known.searchsorted(ids)
        if np.count_nonzero(known.take(at, mode="clip") != ids):
            return None
        if order is not None:
            at = order[at]
        return at if self.live is None or self.live[at].all() else None


def compare(
    blocks: Sequence[Rows], queries: np.ndarray, top_k: int, places: Sequence[np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compare every row that may be found, or those of ``places`` (rows of each block), and return scores and ids."""
    if places is None:
        parts = [b.nearest(queries, top_k) for b in blocks if b.count]
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
