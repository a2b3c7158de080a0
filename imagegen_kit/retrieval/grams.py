"""Parts of words: BM25 over hashed character 3- to 5-grams, for compounds, other endings and slips of the pen."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np

from imagegen_kit.retrieval.text import K1, B

SHORTEST, LONGEST = 3, 5
BINS = 1 << 18
_LETTERS = 40  # of a word that are heard
_MOST_POSTINGS = 150_000  # that one query adds up, the rarest grams first: about a millisecond
_AT_ONCE = 2_000  # documents


class GramIndex:
    """An immutable index of ``size`` documents by the grams of their words. Made by ``build`` or from its ``arrays``.

    ``starts`` (BINS + 1,) int64 cuts ``rows`` (p,) int32 and ``impacts`` (p,) float32 into the bins of the grams.
    """

    def __init__(self, size: int, starts: np.ndarray, rows: np.ndarray, impacts: np.ndarray) -> None:
        self._size, self._starts, self._rows, self._impacts = size, starts, rows, impacts
        holding = np.diff(starts)
        self._rarity = np.log(1 + (size - holding + 0.5) / (holding + 0.5)).astype(np.float32)

    @classmethod
    def build(cls, counts: Sequence[Mapping[str, float]]) -> GramIndex:
        """Index documents given as stem → how much it counts there."""
        blocks = [_pairs(counts[at : at + _AT_ONCE], at) for at in range(0, len(counts), _AT_ONCE)]
        rows, bins, weights = (np.concatenate(part) for part in zip(*blocks, strict=True)) if blocks else _nothing()
        order = np.argsort(bins, kind="stable")
        rows, bins, weights = rows[order], bins[order], weights[order]
        starts = np.zeros(BINS + 1, dtype=np.int64)
        np.cumsum(np.bincount(bins, minlength=BINS), out=starts[1:])
        index = cls(len(counts), starts, rows.astype(np.int32), weights.astype(np.float32))
        lengths = np.bincount(rows, weights, minlength=len(counts))
        norm = K1 * (1 - B + B * lengths / (lengths.mean() or 1.0)) if len(counts) else lengths
        index._impacts = (weights * index._rarity[bins] / (weights + norm[rows])).astype(np.float32)
        return index

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the index is made of."""
        return {"starts": self._starts, "rows": self._rows, "impacts": self._impacts}

    def scores(self, words: Iterable[str]) -> np.ndarray:
        """Return (n,) float64 in 0..1: the share of what an ideal document scores for the grams of ``words``, stems."""
        counts: Counter[int] = Counter(gram for word in words for gram in grams_of(word))
        if not counts or not self._size:
            return np.zeros(self._size)
        bins = np.fromiter(counts, dtype=np.int64)
        weights = np.fromiter(counts.values(), dtype=np.float64)
        ideal = float(weights @ self._rarity[bins]) or 1.0
        sizes = self._starts[bins + 1] - self._starts[bins]
        rarest = np.argsort(sizes, kind="stable")
        rarest = rarest[(np.cumsum(sizes[rarest]) <= _MOST_POSTINGS) & (sizes[rarest] > 0)]
        if not rarest.size:
            return np.zeros(self._size)
        places = [slice(self._starts[b], self._starts[b + 1]) for b in bins[rarest]]
        impacts = np.concatenate([self._impacts[place] for place in places])
        rows = np.concatenate([self._rows[place] for place in places])
        return np.bincount(rows, impacts * np.repeat(weights[rarest] / ideal, sizes[rarest]), self._size)


@lru_cache(maxsize=50_000)
def grams_of(word: str) -> tuple[int, ...]:
    """Return the bins of the grams of a stem, ends marked, and of the stem itself."""
    marked = f"<{word[:_LETTERS]}>"
    grams = [marked[at : at + n] for n in range(SHORTEST, LONGEST + 1) for at in range(len(marked) - n + 1)]
    return tuple(zlib.crc32(gram.encode("utf-8", "surrogatepass")) % BINS for gram in [*grams, f"={word}"])


def _pairs(counts: Sequence[Mapping[str, float]], first_row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, bins and summed weights of the grams of some documents, each pair once."""
    rows = [row for row, document in enumerate(counts) for _ in document]
    words = [word for document in counts for word in document]
    weights = [weight for document in counts for weight in document.values()]
    grams = [grams_of(word) for word in words]
    sizes = np.array([len(g) for g in grams], dtype=np.int64)
    bins = np.fromiter(chain.from_iterable(grams), dtype=np.int64, count=int(sizes.sum()))
    keys = np.repeat(np.array(rows, dtype=np.int64), sizes) * BINS + bins
    unique, where = np.unique(keys, return_inverse=True)
    summed = np.bincount(where, np.repeat(np.array(weights, dtype=np.float64), sizes), len(unique))
    return unique // BINS + first_row, unique % BINS, summed


def _nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
