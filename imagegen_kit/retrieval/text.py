"""Lexical search over short documents: BM25 with weighted fields, on an inverted index.

Written here after a look at the libraries: rank-bm25 (last release in 2022) scores every document for every query and
knows no fields; bm25s is fast and maintained, but has neither fields nor a stemmer of its own and ranks ties by chance.
What is needed is the hundred lines below.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

K1, B = 1.2, 0.75  # the usual values (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework")
SYNONYM_WEIGHT = 0.7  # a synonym finds, the word itself wins
WEIGHTS: Mapping[str, float] = MappingProxyType({"name": 3.0, "tags": 2.0, "caption": 1.0})
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "have",
        "her",
        "his",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "so",
        "that",
        "the",
        "their",
        "this",
        "to",
        "was",
        "were",
        "which",
        "who",
        "will",
        "with",
    ]
)
_COMBINING = re.compile("[\u0300-\u036f]")
# Han and kana are written without spaces, so each character is a word; an apostrophe may stand inside a word.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+(?:['’]\w+)?"
)
_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose",
    "feet": "foot", "teeth": "tooth", "wolves": "wolf", "leaves": "leaf", "knives": "knife", "loaves": "loaf",
    "policemen": "policeman", "businessmen": "businessman", "businesswomen": "businesswoman", "snowmen": "snowman",
    "firemen": "fireman", "lying": "lie", "bus": "bus", "buses": "bus", "gas": "gas", "lens": "lens",
    "series": "series",
    "movies": "movie", "cookies": "cookie", "ties": "tie", "pies": "pie", "shoes": "shoe", "news": "news",
}  # fmt: skip
_VOWELS = frozenset("aeiouy")


def tokenize(text: str) -> list[str]:
    """Return the words of ``text``: lower case, Latin accents dropped, plural and -ing endings taken off.

    >>> tokenize("Two cats, drinking café crème!")
    ['two', 'cat', 'drink', 'cafe', 'creme']
    """
    plain = unicodedata.normalize("NFC", _COMBINING.sub("", unicodedata.normalize("NFKD", text))).casefold()
    return [stem(word) for word in _WORD.findall(plain)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the lower-case ``word`` without a plural ending, an ``-ing`` that is one ("king" stays), or ``'s``."""
    word = re.sub(r"['’]s?$|['’](?=\w)", "", word)
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 5 and word.endswith("ing"):
        return _without_ing(word)
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zes", "ches", "shes", "oes")):
        return word[:-2]
    return word[:-1]


def _without_ing(word: str) -> str:
    root = word[:-3]
    if not _VOWELS & set(root):
        return word  # string, spring
    last, before = root[-1], root[-2]
    if last == before and last not in "lszeo":
        return root[:-1]  # running
    if last in "cvu" or (last == "l" and before not in _VOWELS | {"l", "r"}) or root.endswith(("dg", "rs", "ns")):
        return root + "e"  # dancing, driving, cycling
    short = len(re.findall(r"[aeiouy]+", root)) == 1 and len(root) > 2 and root[-3] not in _VOWELS
    if short and before in _VOWELS and last not in _VOWELS | set("wx"):
        return root + "e"  # riding: a short stem without an e would have doubled its last letter
    return root


@cache
def shipped_synonyms() -> Mapping[str, tuple[str, ...]]:
    """Return the shipped table: stem of a word → stems of words that also answer for it."""
    table = json.loads(Path(__file__).with_name("synonyms.json").read_text(encoding="utf-8"))
    return MappingProxyType({stem(word): tuple(map(stem, others)) for word, others in table.items()})


class TextIndex:
    """An immutable BM25 index over ``documents``: texts, or mappings of field names to a text or a list of texts.

    ``weights`` says how much a word counts in each field (fields not named count 1). A query word also finds its
    synonyms, at a lower weight; ``synonyms={}`` switches that off. Rows are positions in ``documents``.
    """

    def __init__(
        self,
        documents: Sequence[Mapping[str, str | Iterable[str]] | str],
        weights: Mapping[str, float] = WEIGHTS,
        synonyms: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._synonyms = shipped_synonyms() if synonyms is None else synonyms
        self._index([counts_of(document, weights) for document in documents])

    @classmethod
    def of_counts(
        cls, counts: Sequence[Mapping[str, float]], synonyms: Mapping[str, Sequence[str]] | None = None
    ) -> TextIndex:
        """Return the index over documents that were counted already (``counts_of``)."""
        index = cls((), synonyms=synonyms)
        index._index(counts)
        return index

    def _index(self, documents: Sequence[Mapping[str, float]]) -> None:
        self._size = len(documents)
        found: dict[str, list[tuple[int, float]]] = {}
        lengths = np.zeros(self._size)
        for row, counts in enumerate(documents):
            lengths[row] = sum(counts.values())
            for term, count in counts.items():
                found.setdefault(term, []).append((row, count))
        norm = K1 * (1 - B + B * lengths / (lengths.mean() or 1.0)) if self._size else lengths
        self._postings: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for term, entries in found.items():
            rows = np.array([row for row, _ in entries], dtype=np.int64)
            counts_ = np.array([count for _, count in entries])
            self._postings[term] = (
                rows,
                _rarity(self._size, len(entries)) * counts_ * (K1 + 1) / (counts_ + norm[rows]),
            )

    @classmethod
    def of_postings(
        cls,
        size: int,
        postings: Mapping[str, tuple[np.ndarray, np.ndarray]],
        synonyms: Mapping[str, Sequence[str]] | None = None,
    ) -> TextIndex:
        """Return the index over ``size`` documents that ``postings`` was taken from."""
        index = cls((), synonyms=synonyms)
        index._size, index._postings = size, dict(postings)
        return index

    @property
    def postings(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Stem of a word → the rows that hold it, ascending, and what it scores there."""
        return MappingProxyType(self._postings)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, word: str) -> bool:
        """Whether a document holds the stem of ``word``."""
        return stem(word.casefold()) in self._postings

    def terms(self, query: str, most: int | None = None) -> dict[str, float]:
        """Return the words of ``query`` that are looked for, synonyms included, and how much each counts.

        ``most`` is how many different words of the query are heard, its first ones; None: all.
        """
        terms: dict[str, float] = {}
        for term in tokenize(query):
            if term not in STOP_WORDS:
                terms[term] = 1.0
                if most is not None and len(terms) >= most:
                    break
        for term in tuple(terms):
            for other in self._synonyms.get(term, ()):
                terms[other] = max(terms.get(other, 0.0), SYNONYM_WEIGHT)
        return terms

    def answering(self, query: str, most: int) -> list[list[str]]:
        """Return for each of the first ``most`` words of ``query`` that a document answers for the stems that do."""
        found = []
        for term in dict.fromkeys(term for term in tokenize(query) if term not in STOP_WORDS):
            held = [other for other in (term, *self._synonyms.get(term, ())) if other in self._postings]
            found += [held] if held else []
        return found[:most]

    def scores(self, terms: Mapping[str, float]) -> np.ndarray:
        """Return (n,) float64: what each document scores for weighted terms, 0 where it holds none of them."""
        scores = np.zeros(self._size)
        for term, weight in terms.items():
            if term in self._postings:
                rows, impact = self._postings[term]
                scores[rows] += weight * impact
        return scores

    def ideal(self, terms: Mapping[str, float]) -> float:
        """Return what no document can exceed for ``terms``, words that no document holds included; 0 without terms."""
        holding = {term: len(self._postings[term][0]) if term in self._postings else 0 for term in terms}
        return sum(weight * (K1 + 1) * _rarity(self._size, holding[term]) for term, weight in terms.items())

    def search(self, query: str, top_k: int, exclude: Collection[int] = ()) -> list[tuple[int, float]]:
        """Return up to ``top_k`` (row, score), best first and equal scores by row; rows in ``exclude`` are left out.

        Scores are positive and unbounded; they compare documents of one query, not queries.
        """
        scores = self.scores(self.terms(query))
        if exclude:
            scores[np.fromiter(exclude, dtype=np.int64)] = 0.0
        hits = np.flatnonzero(scores)
        if top_k < 1 or not hits.size:
            return []
        if hits.size > top_k:  # sort only those that can be among the best, ties included
            hits = hits[scores[hits] >= np.partition(scores[hits], -top_k)[-top_k]]
        order = hits[np.lexsort((hits, -scores[hits]))][:top_k]
        return [(int(row), float(scores[row])) for row in order]


def _rarity(documents: int, holding: int) -> float:
    return float(np.log(1 + (documents - holding + 0.5) / (holding + 0.5)))


def counts_of(document: Mapping[str, str | Iterable[str]] | str, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the stems of ``document`` and how much each counts, fields weighed (those not named count 1)."""
    counts: dict[str, float] = {}
    fields: Mapping[str, str | Iterable[str]] = {"": document} if isinstance(document, str) else document
    for name, value in fields.items():
        weight = weights.get(name, 1.0)
        for text in (value,) if isinstance(value, str) else value:
            for term in tokenize(text):
                if term not in STOP_WORDS and weight:
                    counts[term] = counts.get(term, 0.0) + weight
    return counts
