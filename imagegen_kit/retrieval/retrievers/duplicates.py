"""Leaves near-duplicates of better hits out: the same picture in another size, file format or quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.retrieval.tuned import DUPLICATE_BITS, DUPLICATE_COSINE

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library

BLOCK = 256  # items that are compared with each other at once


def without_duplicates(library: Library, vectors: Any, numbers: np.ndarray, top_k: int) -> np.ndarray:
    """Return the places in ``numbers`` (best first) of up to ``top_k`` items, none a near-duplicate of a better one.

    ``vectors`` is the library's search. Two are duplicates where the cosine of their vectors is at least
    ``tuned.DUPLICATE_COSINE`` and their dHashes or their pHashes differ in at most ``tuned.DUPLICATE_BITS`` of 64 bits.
    Looks no further than it must.
    """
    kept, known, start = np.arange(min(top_k, len(numbers))), 0, top_k  # the first ``known`` of those kept are compared
    while True:
        same = _alike(library, vectors, numbers[kept])
        if same is not None:
            good: list[int] = []
            for i in range(len(kept)):
                if i < known or not same[i, good].any():
                    good.append(i)
            kept = kept[good]
        if len(kept) >= top_k or start >= len(numbers):
            return kept[:top_k]
        known = len(kept)
        kept = np.concatenate([kept, np.arange(start, min(start + BLOCK, len(numbers)))])
        start += BLOCK


def _alike(library: Library, vectors: Any, numbers: np.ndarray) -> np.ndarray | None:
    """Return a mask (n, n) of pairs that are near-duplicates, None where there are none; no item is its own.

    Hashes are in memory and are compared first: vectors are fetched of those items only that these leave in doubt.
    """
    hashes = library.fingerprints(numbers, "both")
    bits = np.bitwise_count(hashes[:, :, None] ^ hashes[:, None])
    same: np.ndarray = np.minimum(bits[0], bits[1]) <= DUPLICATE_BITS
    if np.count_nonzero(same) == len(numbers):  # each with itself
        return None
    np.fill_diagonal(same, False)
    doubtful = np.flatnonzero(same.any(axis=1))
    rows = vectors.vectors_of(numbers[doubtful])
    same[np.ix_(doubtful, doubtful)] &= rows @ rows.T >= DUPLICATE_COSINE
    return same if same.any() else None
