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
    kept = np.zeros(0, dtype=np.int64)
    start, step = 0, top_k
    while start < len(numbers) and len(kept) < top_k:
        places = np.concatenate([kept, np.arange(start, min(start + step, len(numbers)))])
        same = _alike(library, vectors.vectors_of(numbers[places]), numbers[places])
        if not same.any():
            kept = places
        else:
            good: list[int] = []
            for i in range(len(places)):
                if i < len(kept) or not same[i, good].any():
                    good.append(i)
            kept = places[good]
        start, step = start + step, BLOCK
    return kept[:top_k]


def _alike(library: Library, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return a mask (n, n) of pairs that are near-duplicates; no item is its own."""
    same: np.ndarray = vectors @ vectors.T >= DUPLICATE_COSINE
    if np.count_nonzero(same) > len(same):  # more than each with itself
        hashes = [library.fingerprints(numbers, kind) for kind in ("dhash", "phash")]
        same &= np.min([np.bitwise_count(h[:, None] ^ h[None, :]) for h in hashes], axis=0) <= DUPLICATE_BITS
    np.fill_diagonal(same, False)
    return same
