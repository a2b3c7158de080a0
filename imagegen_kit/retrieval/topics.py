"""Latent semantic analysis of short documents: words that stand with the same words come to lie close together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from imagegen_kit.retrieval.text import STOP_WORDS, SYNONYM_WEIGHT, shipped_synonyms, tokenize

MOST_WORDS = 4_096  # of the vocabulary, the most frequent first
DIMENSIONS = 128
_OVERSAMPLING, _ROUNDS = 20, 3  # of the randomised SVD (Halko, Martinsson and Tropp 2011)


class Topics:
    """Maps texts to (n, k) float32 vectors of length 1, or 0 where no word is known. Made by ``fit`` or from its parts.

    ``vocabulary`` are stems, ``rarity`` (v,) their inverse document frequencies and ``axes`` (v, k) the topics.
    """

    def __init__(self, vocabulary: Sequence[str], rarity: np.ndarray, axes: np.ndarray) -> None:
        self.vocabulary, self.rarity, self.axes = tuple(vocabulary), rarity, axes
        self._places = {word: place for place, word in enumerate(self.vocabulary)}

    @classmethod
    def fit(cls, counts: Sequence[Mapping[str, float]]) -> tuple[Topics, np.ndarray]:
        """Return the topics of documents given as stem → how much it counts, and their (n, k) vectors."""
        holding = Counter(word for document in counts for word in document)
        words = sorted((w for w, n in holding.items() if n > 1), key=lambda w: (-holding[w], w))[:MOST_WORDS]
        rarity = np.array([np.log((1 + len(counts)) / (1 + holding[w])) + 1 for w in words], dtype=np.float32)
        bare = cls(words, rarity, np.zeros((len(words), 0), dtype=np.float32))
        rows = bare._rows(counts)
        found = cls(words, rarity, _axes(rows, min(DIMENSIONS, *rows.shape)))
        return found, _unit(rows @ found.axes)

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, k) float32 for ``texts``."""
        found = np.zeros((len(texts), self.axes.shape[1]), dtype=np.float32)
        for row, text in enumerate(texts):
            if counts := self.known(text):
                places = list(counts)  # few: reading the axes of all words would take longer than all the rest
                found[row] = (np.log1p(list(counts.values())) * self.rarity[places]) @ self.axes[places]
        return _unit(found)

    def known(self, text: str) -> dict[int, float]:
        """Return which words of the vocabulary ``text`` holds, by place, and how much each counts.

        A word also stands for its synonyms, at a lower weight.
        """
        own = Counter(word for word in tokenize(text[:4_000]) if word not in STOP_WORDS)
        more = {o: SYNONYM_WEIGHT for word in own for o in shipped_synonyms().get(word, ()) if o not in own}
        return {self._places[word]: count for word, count in {**more, **own}.items() if word in self._places}

    def _rows(self, counts: Sequence[Mapping[str, float]]) -> np.ndarray:
        rows = np.zeros((len(counts), len(self.vocabulary)), dtype=np.float32)
        for row, document in enumerate(counts):
            for word, count in document.items():
                if (place := self._places.get(word)) is not None:
                    rows[row, place] = np.log1p(count) * self.rarity[place]
        return _unit(rows)


def _axes(rows: np.ndarray, dimensions: int) -> np.ndarray:
    """Return (v, dimensions) float32, the first right singular vectors of ``rows`` (n, v)."""
    chance = np.random.default_rng(0)
    width = min(dimensions + _OVERSAMPLING, *rows.shape)
    basis = rows @ chance.standard_normal((rows.shape[1], width), dtype=np.float32)
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(rows @ (rows.T @ basis))[0]
    _, _, axes = np.linalg.svd(basis.T @ rows, full_matrices=False)
    return np.asarray(axes[:dimensions].T, dtype=np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths < 1e-9, 1, lengths), dtype=np.float32)
