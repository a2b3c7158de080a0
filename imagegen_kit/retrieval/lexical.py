"""``Lexical``: finds items of a library by the words that were given with them; whole words and parts of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.grams import GramIndex
from imagegen_kit.retrieval.text import TextIndex, counts_of
from imagegen_kit.retrieval.tuned import FIELD_WEIGHTS, WHOLE_WORDS

_VERSION = 1
_MOST_CHARACTERS = 4_000  # of a query that are read
_MOST_WORDS = 64  # different words of a query that are heard


class Lexical:
    """An immutable index of items by number. Made by ``build`` or ``load``.

    BM25 with fields and synonyms (``retrieval.text``) for whole words, and over character 3- to 5-grams
    (``retrieval.grams``) for parts of words; an item scores the weighted mean of the two.
    """

    def __init__(self, numbers: np.ndarray, words: TextIndex, grams: GramIndex) -> None:
        self._numbers, self._words, self._grams = numbers, words, grams

    def __len__(self) -> int:
        return len(self._numbers)

    @classmethod
    def build(cls, documents: Sequence[Mapping[str, str | Sequence[str]]], numbers: np.ndarray) -> Lexical:
        """Index ``documents``, mappings of a field (name, caption, description, tags, folder) to a text or texts.

        ``numbers`` (n,) int64, ascending, are those of the items. Raises InvalidInput where the two do not fit.
        """
        numbers = np.asarray(numbers, dtype=np.int64)
        if numbers.shape != (len(documents),) or (np.diff(numbers) <= 0).any():
            what = f"{numbers.shape} numbers for {len(documents)} documents."
            raise InvalidInput([Fault("numbers", what, "Give one number a document, ascending.")])
        counts = [counts_of(document, FIELD_WEIGHTS) for document in documents]
        return cls(numbers, TextIndex.of_counts(counts), GramIndex.build(counts))

    def search(self, query: str, top_k: int, *, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers (k,) int64 and scores (k,) float64 of the items that answer for ``query``, best first.

        A score is the share, from 0 to 1, of what an ideal document would score; equal ones go by number, and an item
        with nothing of the query is not returned. ``allowed``, ascending numbers, are the only ones looked for. Of a
        query the first 64 different words within 4,000 characters are heard.
        """
        terms = self._words.terms(query[:_MOST_CHARACTERS], _MOST_WORDS)
        if top_k < 1 or not terms or not len(self):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        own = [term for term, weight in terms.items() if weight == 1.0]
        scores = WHOLE_WORDS * self._words.scores(terms) / self._words.ideal({term: 1.0 for term in own})
        scores += (1 - WHOLE_WORDS) * self._grams.scores(own)
        if allowed is not None:
            scores[~np.isin(self._numbers, allowed, assume_unique=True)] = 0.0
        hits = np.flatnonzero(scores)
        if hits.size > top_k:  # sort only those that can be among the best, ties included
            hits = hits[scores[hits] >= np.partition(scores[hits], -top_k)[-top_k]]
        order = hits[np.lexsort((hits, -scores[hits]))][:top_k]
        return self._numbers[order], np.minimum(scores[order], 1.0)

    def held(self, query: str, numbers: np.ndarray) -> np.ndarray:
        """Return (n,) int64: for each of ``numbers`` a bit for each word of ``query`` that it, or a synonym, holds.

        Words that no document holds have no bit; the first 62 are told.
        """
        order = np.argsort(numbers)
        sought, found = np.asarray(numbers)[order], np.zeros(len(numbers), dtype=np.int64)
        for bit, answering in enumerate(self._words.answering(query[:_MOST_CHARACTERS], 62 if len(sought) else 0)):
            holding = self._numbers[np.concatenate([self._words.postings[term][0] for term in answering])]
            places = np.minimum(np.searchsorted(sought, holding), len(sought) - 1)
            found[order[places[sought[places] == holding]]] |= 1 << bit
        return found

    def save(self, path: str | Path) -> None:
        """Write the index to ``path`` as one file of arrays (.npz)."""
        postings = self._words.postings
        counts = np.array([len(rows) for rows, _ in postings.values()], dtype=np.int64)
        parts: dict[str, np.ndarray] = {
            "version": np.array([_VERSION]),
            "numbers": self._numbers,
            "terms": np.frombuffer("\n".join(postings).encode("utf-8", "surrogatepass"), dtype=np.uint8),
            "counts": counts,
            "rows": _joined([rows for rows, _ in postings.values()], np.int32),
            "impacts": _joined([impacts for _, impacts in postings.values()], np.float64),
        }
        parts |= {f"gram_{name}": array for name, array in self._grams.arrays.items()}
        with Path(path).open("wb") as file:
            np.savez(file, **parts)  # type: ignore[arg-type]  # its stub takes the arrays for allow_pickle

    @classmethod
    def load(cls, path: str | Path) -> Lexical:
        """Return the index that ``save`` wrote. Raises StoreError where it cannot be read, with what to do."""
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                parts = {name: stored[name] for name in stored.files}
            if parts["version"].tolist() != [_VERSION]:
                raise ValueError(f"version {parts['version'].tolist()}")
            words = bytes(parts["terms"]).decode("utf-8", "surrogatepass").split("\n")
            cuts = np.cumsum(parts["counts"])[:-1]
            rows = np.split(parts["rows"].astype(np.int64), cuts)
            impacts = np.split(parts["impacts"], cuts)
            size = len(parts["numbers"])
            postings = dict(zip(words, zip(rows, impacts, strict=True), strict=True)) if len(parts["counts"]) else {}
            grams = GramIndex(size, parts["gram_starts"], parts["gram_rows"], parts["gram_impacts"])
            return cls(parts["numbers"], TextIndex.of_postings(size, postings), grams)
        except (
            OSError,
            ValueError,
            KeyError,
            EOFError,
            AttributeError,
            BadZipFile,
        ) as error:  # UnicodeError is a ValueError
            what = (
                f"The index of words {path} cannot be read ({error}). Delete the file; it is built anew from the items."
            )
            raise StoreError(what) from error


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)
