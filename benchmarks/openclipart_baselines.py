"""What the default is compared with, as simple as people write it: BM25, character TF-IDF, colour + HOG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks.openclipart_queries import Ranking
from imagegen_kit.retrieval.embedders.foreground import CutOut
from imagegen_kit.retrieval.text import STOP_WORDS, TextIndex, tokenize

Documents = Sequence[Mapping[str, str | Iterable[str]]]


class Bm25:
    """BM25 (k1 1.2, b .75) over all words of a document alike."""

    def __init__(self, documents: Documents) -> None:
        self._index = TextIndex(documents, weights={}, synonyms={})

    def __call__(self, text: str) -> tuple[Ranking, np.ndarray]:
        found = self._index.search(text, len(self._index))
        return np.array([row for row, _ in found], dtype=np.int64), np.array([score for _, score in found])


class CharacterTfIdf:
    """Cosine of TF-IDF over words and their character 3- to 5-grams, sublinear counts, smoothed rarity."""

    def __init__(self, documents: Documents) -> None:
        counts = [self._grams(_texts(document)) for document in documents]
        holding = Counter(gram for count in counts for gram in count)
        self._rarity = {gram: np.log((1 + len(counts)) / (1 + n)) + 1 for gram, n in holding.items()}
        found: dict[str, list[tuple[int, float]]] = {}
        for row, count in enumerate(counts):
            weights = {gram: (1 + np.log(n)) * self._rarity[gram] for gram, n in count.items()}
            length = float(np.linalg.norm(list(weights.values()))) or 1.0
            for gram, weight in weights.items():
                found.setdefault(gram, []).append((row, weight / length))
        self._postings = {g: (np.array([r for r, _ in e]), np.array([w for _, w in e])) for g, e in found.items()}
        self._size = len(counts)

    def __call__(self, text: str) -> tuple[Ranking, np.ndarray]:
        scores = np.zeros(self._size)
        for gram, count in self._grams([text]).items():
            if gram in self._postings:
                rows, weights = self._postings[gram]
                scores[rows] += (1 + np.log(count)) * self._rarity[gram] * weights
        return ordered(scores)

    @staticmethod
    def _grams(texts: Iterable[str]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for text in texts:
            for word in tokenize(text):
                if word not in STOP_WORDS:
                    marked = f"<{word}>"
                    counts[f"={word}"] += 1
                    counts.update(marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1))
        return counts


def _texts(document: Mapping[str, str | Iterable[str]]) -> list[str]:
    return [text for value in document.values() for text in ((value,) if isinstance(value, str) else value)]


def ordered(scores: np.ndarray) -> tuple[Ranking, np.ndarray]:
    """Return the places with a score above 0, best first, and their scores."""
    places = np.flatnonzero(scores > 0)
    order = places[np.lexsort((places, -scores[places]))]
    return order, scores[order]


def fused(rankings: Sequence[Ranking]) -> Ranking:
    """Reciprocal rank fusion, k = 60."""
    values: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking[:1_000].tolist(), 1):
            values[place] = values.get(place, 0.0) + 1 / (60 + rank)
    return np.array(sorted(values, key=lambda place: (-values[place], place)), dtype=np.int64)


# ---------------------------------------------------------------------- pictures
def colour_and_hog(shown: CutOut) -> np.ndarray:
    """Return (1200,): 12 × 4 × 4 HSV histogram of the foreground, 6 × 6 mean colours, 10 × 10 cells of 9 directions."""
    import colorsys

    rgb, mask = shown.rgb, shown.mask > 0.5
    pixels = rgb[mask] if mask.any() else rgb.reshape(-1, 3)
    hsv = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in np.unique((pixels * 31).astype(int), axis=0) / 31])
    _, counts = np.unique((pixels * 31).astype(int), axis=0, return_counts=True)
    bins = np.minimum((hsv * (12, 4, 4)).astype(int), (11, 3, 3)) @ (16, 4, 1)
    histogram = np.bincount(bins, counts, 192) / counts.sum()
    layout = np.array([[cell.mean(axis=(0, 1)) for cell in np.array_split(r, 6, 1)] for r in np.array_split(rgb, 6, 0)])
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    down, across = np.gradient(grey)
    angle = np.minimum((np.arctan2(down, across) % np.pi / np.pi * 9).astype(int), 8)
    cell = np.minimum(np.arange(64) * 10 // 64, 9)
    places = (cell[:, None] * 10 + cell[None, :]) * 9 + angle
    hog = np.bincount(places.ravel(), np.hypot(down, across).ravel(), 900).reshape(100, 9)
    hog /= np.linalg.norm(hog, axis=1, keepdims=True) + 0.05
    return np.concatenate([histogram, layout.ravel(), hog.ravel()])


def colour_and_hog_vectors(parts: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return (n, 460) rows of length 1: histogram, layout, and the HOG's 160 half-whitened principal directions."""
    histogram, layout, hog = np.split(parts.astype(np.float64), [192, 300], axis=1)
    centre = hog[train].mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((hog[train] - centre).T))
    directions = axes[:, ::-1][:, :160] * np.maximum(variances[::-1][:160], 1e-9) ** -0.25
    joined = [_unit(histogram), 0.5 * _unit(layout - layout[train].mean(axis=0)), _unit((hog - centre) @ directions)]
    return _unit(np.concatenate(joined, axis=1)).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


class PlainMap:
    """Words to pictures without captions: TF-IDF, LSA 128, RBF kernel ridge regression from colour + HOG vectors."""

    def __init__(self, documents: Documents, vectors: np.ndarray, searched: np.ndarray) -> None:
        from imagegen_kit.retrieval.text import counts_of
        from imagegen_kit.retrieval.topics import Topics

        self._topics, goal = Topics.fit([counts_of(document, {}) for document in documents])
        among = 2 - 2 * vectors @ vectors.T
        width = np.median(among)
        weights = np.linalg.solve(np.exp(-2 * among / width) + 0.3 * np.eye(len(vectors)), goal)
        self._placed = _unit(np.exp(-2 * (2 - 2 * searched @ vectors.T) / width) @ weights)

    def __call__(self, text: str) -> tuple[Ranking, np.ndarray]:
        return ordered(self._placed @ self._topics.of_texts([text])[0])
