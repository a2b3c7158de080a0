"""Near-duplicates among what is added: marked in what else is known of a picture, under ``near_duplicate_of``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.library.firsts import MARK
from imagegen_kit.retrieval.lots.lookalikes import Lookalikes
from imagegen_kit.retrieval.tuned import DUPLICATE_COSINE

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.rows import Row
    from imagegen_kit.retrieval.library.segments import Vectors


class NearDuplicates:
    """Compares new pictures with those of the library, and with each other, as hits are compared with better hits.

    Two are near-duplicates where hardly a bit of a perceptual hash differs and their vectors' cosine is at least
    ``tuned.DUPLICATE_COSINE``. The later one is marked, with the id of the first it is like.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._hashes: Lookalikes | None = None
        self._fresh: dict[int, np.ndarray] = {}  # vectors of this call's pictures since the last refresh
        self._search: Any = None
        self._gone: set[int] = set()  # numbers of pictures that this call replaced: nothing is like these any more

    def refresh(self) -> None:
        """Read the vectors from the segments from now on: those of this call are in them, and small ones together."""
        self._fresh.clear()
        self._search = None

    def marked(self, rows: Sequence[Row], vectors: np.ndarray, gone: Iterable[Row] = ()) -> list[Row]:
        """Return new rows, in order, with a mark on those that are near-duplicates; ``vectors`` (n, d) are theirs.

        ``gone`` are the rows that they replace.
        """
        self._gone.update(row.number for row in gone)
        if self._hashes is None:
            self._hashes = self._read()
        numbers = np.array([row.number for row in rows], np.int64)
        hashes = np.array([[row.dhash for row in rows], [row.phash for row in rows]], np.uint64)
        self._hashes.add(numbers, hashes)
        self._fresh.update(zip(numbers.tolist(), vectors, strict=True))
        found = []
        for row, vector, alike in zip(rows, vectors, self._hashes.alike(hashes), strict=True):
            before = np.array([n for n in alike.tolist() if n < row.number and n not in self._gone], np.int64)
            like = self._first(before, vector) if len(before) else None
            found.append(row if like is None else replace(row, meta={**row.meta, MARK: self._id(like, rows)}))
        return found

    def _read(self) -> Lookalikes:
        hashes = Lookalikes()
        lines = self._vectors.records.read("SELECT number, dhash, phash FROM items WHERE removed = 0 ORDER BY number")
        table = np.array(lines, np.int64).reshape(-1, 3).T
        hashes.add(table[0], np.ascontiguousarray(table[1:]).view(np.uint64))
        return hashes

    def _first(self, numbers: np.ndarray, vector: np.ndarray) -> int | None:
        """Return the lowest of ``numbers`` whose vector is as good as the same."""
        rows = np.array([number in self._fresh for number in numbers.tolist()])
        lacking = numbers[~rows]
        held = dict(zip(lacking.tolist(), self._stored(lacking), strict=True)) if len(lacking) else {}
        for number in np.sort(numbers).tolist():
            other = self._fresh[number] if number in self._fresh else held[number]
            if float(other @ vector) >= DUPLICATE_COSINE:
                return int(number)
        return None

    def _stored(self, numbers: np.ndarray) -> np.ndarray:
        try:
            if self._search is None:
                self._search = self._vectors.search()
            rows: np.ndarray = self._search.vectors_of(numbers)
        except (InvalidInput, StoreError):  # one has no vector, or its shard is lost: nothing can be said of these
            return np.zeros((len(numbers), self._vectors.dimension), np.float32)
        return rows

    def _id(self, number: int, rows: Sequence[Row]) -> str:
        here = next((row.id for row in rows if row.number == number), None)
        return here or self._vectors.records.rows_of([number])[number].id
