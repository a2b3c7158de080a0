"""Which of the pictures of a library a new one is nearly the same as, found by its perceptual hashes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from imagegen_kit.retrieval.index.scan import load_faiss
from imagegen_kit.retrieval.tuned import DUPLICATE_BITS

# Of 4 bands of 16 bits, one differs in at most 1 bit where all 64 differ in at most 7: none that is alike is missed.
BANDS, BITS, FLIPPED = 4, 16, 1
MOST: Final = 64  # that are told of one picture: of thousands of blank pages, these are as good as all


class Lookalikes:
    """dHashes and pHashes of pictures by number; a few dozen bytes each in memory."""

    def __init__(self) -> None:
        faiss = load_faiss()
        self._tables: list[Any] = [faiss.IndexBinaryMultiHash(64, BANDS, BITS) for _ in range(2)]
        for table in self._tables:
            table.nflip = FLIPPED
        self._numbers: list[np.ndarray] = []

    def add(self, numbers: np.ndarray, hashes: np.ndarray) -> None:
        """Add pictures: ``numbers`` (n,) int64, and ``hashes`` (2, n) uint64, their dHashes and pHashes."""
        if len(numbers):
            self._numbers.append(np.asarray(numbers, np.int64))
            for table, row in zip(self._tables, hashes, strict=True):
                table.add(_bytes(row))

    def alike(self, hashes: np.ndarray) -> list[np.ndarray]:
        """Return for each of (2, n) hashes the numbers of pictures whose dHash or pHash differs in at most 6 bits.

        At most 64 each, those that were added first; ascending in the order in which they were added.
        """
        everything = np.concatenate(self._numbers) if self._numbers else np.empty(0, np.int64)
        self._numbers = [everything]
        found: list[set[int]] = [set() for _ in range(hashes.shape[1])]
        for table, row in zip(self._tables, hashes, strict=True):
            if not table.ntotal or not len(row):
                continue
            limits, _, rows = table.range_search(_bytes(row), DUPLICATE_BITS + 1)
            for number, (start, stop) in enumerate(pairwise(limits.tolist())):
                found[number].update(np.sort(rows[start:stop])[:MOST].tolist())
        return [everything[np.array(sorted(one)[:MOST], np.int64)] for one in found]


def _bytes(hashes: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(hashes, np.uint64).view(np.uint8).reshape(-1, 8)
