"""``LearntMap``: what pictures look like that are spoken of in certain words, learnt from a library's own captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.index.scan import Bitmap, nearest
from imagegen_kit.retrieval.text import counts_of
from imagegen_kit.retrieval.topics import Topics
from imagegen_kit.retrieval.tuned import FIELD_WEIGHTS

FEWEST_CAPTIONS = 40
MOST_CAPTIONS, LANDMARKS = 6_000, 1_500  # more would cost more than they bring: evenly spaced ones are taken
MOST_PLACED = 50_000  # items whose topics are worked out in advance; above, ``search`` finds nothing
STIFFNESS, STRAIGHT_STIFFNESS = 0.3, 3.0  # of the two ridge regressions; openclipart, train half
_NARROW = 2.0  # of the kernel: exp(-2 × squared distance / its median)
_VERSION = 1
_AT_ONCE = 2_000


class LearntMap:
    """From words to pictures without a model: kernel ridge regression from picture vectors to the topics of captions.

    It knows nothing that the captions do not say, and is as good as the library's pictures are alike: good for drawings
    that come in series, rough for photos. ``label`` says so to people. Made by ``fit`` or ``load``.
    """

    def __init__(
        self, topics: Topics, straight: np.ndarray, numbers: np.ndarray, placed: np.ndarray, told: int
    ) -> None:
        self._topics, self._straight = topics, straight  # (k, d)
        self._numbers, self._placed, self._told = numbers, placed, told  # (n,) int64, (n, k) of length 1

    @property
    def label(self) -> str:
        """What the map is, for people: where it comes from and how far to trust it."""
        return (
            f"learnt from {self._told} captions of this library, not from a model: a guess where captions are missing"
        )

    @classmethod
    def fit(
        cls,
        documents: Sequence[Mapping[str, str | Sequence[str]]],
        vectors: np.ndarray,
        numbers: np.ndarray | None = None,
    ) -> LearntMap | None:
        """Learn from items with a caption, a description or tags; None where fewer than 40 have one.

        ``documents`` are mappings of a field to a text or texts, as ``Lexical.build`` takes them; ``vectors`` (n, d)
        float32 of length 1 are those of their pictures, and ``numbers`` (n,) the items' (default: 0, 1, …). The cost is
        bounded: at most 6,000 captions are learnt from. Raises InvalidInput where the lengths differ.
        """
        numbers = np.arange(len(documents)) if numbers is None else np.asarray(numbers, dtype=np.int64)
        if not len(documents) == len(vectors) == len(numbers):
            what = f"{len(documents)} documents, {len(vectors)} vectors and {len(numbers)} numbers."
            raise InvalidInput([Fault("vectors", what, "Give one of each for every item.")])
        told = [row for row, document in enumerate(documents) if _is_told(document)]
        if len(told) < FEWEST_CAPTIONS:
            return None
        taken = np.array(told)[_spread(len(told), MOST_CAPTIONS)]
        counts = [counts_of(documents[row], FIELD_WEIGHTS) for row in taken]
        if len({word for count in counts for word in count}) < 2:
            return None
        topics, goal = Topics.fit(counts)
        if not topics.axes.size or not goal.any():
            return None
        shown = np.asarray(vectors[taken], dtype=np.float32)
        straight = np.linalg.solve(shown.T @ shown + STRAIGHT_STIFFNESS * np.eye(shown.shape[1]), shown.T @ goal).T
        placed = _placed(shown, goal, vectors) if len(vectors) <= MOST_PLACED else np.zeros((0, goal.shape[1]))
        numbers = numbers[: len(placed)]
        return cls(topics, straight.astype(np.float32), numbers, placed.astype(np.float32), len(told))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, d) float32 vectors of length 1 whose inner product with a picture's says how well they agree.

        The straight-line version of the map, rougher than ``search``. A text without a word of the captions becomes the
        first axis: ask ``knows``.
        """
        rows = self._topics.of_texts(texts) @ self._straight
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows[lengths[:, 0] < 1e-9] = np.eye(1, rows.shape[1], dtype=np.float32)
        return np.asarray(rows / np.where(lengths < 1e-9, 1, lengths), dtype=np.float32)

    def knows(self, text: str) -> bool:
        """Whether a word of ``text``, or a synonym of one, stands in at least two captions."""
        return bool(self._topics.known(text))

    def search(self, text: str, top_k: int, *, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers (k,) int64 and scores (k,) in 0..1 of the items that look like ``text``, best first.

        Nothing where the map does not know the text, or where the library has more than 50,000 pictures
        (``embed_texts`` and the vector search are for those). ``allowed``: ascending numbers, the only ones looked at.
        """
        asked = self._topics.of_texts([text])
        if top_k < 1 or not asked.any() or not len(self._placed):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        chosen = None if allowed is None else Bitmap(np.isin(self._numbers, allowed, assume_unique=True))
        (scores,), (rows,) = nearest(asked, self._placed, top_k, chosen)
        scores, rows = scores[(rows >= 0) & (scores > 0)], rows[(rows >= 0) & (scores > 0)]
        order = np.lexsort((rows, -scores))
        return self._numbers[rows[order]], np.minimum(scores[order].astype(np.float64), 1.0)

    def save(self, path: str | Path) -> None:
        """Write the map to ``path`` as one file of arrays (.npz)."""
        words = "\n".join(self._topics.vocabulary).encode("utf-8", "surrogatepass")
        with Path(path).open("wb") as file:
            np.savez(
                file, version=np.array([_VERSION]), words=np.frombuffer(words, dtype=np.uint8),
                rarity=self._topics.rarity, axes=self._topics.axes, straight=self._straight, numbers=self._numbers,
                placed=self._placed, told=np.array([self._told]),
            )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> LearntMap:
        """Return the map that ``save`` wrote. Raises StoreError where it cannot be read, with what to do."""
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                parts = {name: stored[name] for name in stored.files}
            if parts["version"].tolist() != [_VERSION]:
                raise ValueError(f"version {parts['version'].tolist()}")
            words = bytes(parts["words"]).decode("utf-8", "surrogatepass").split("\n")
            topics = Topics(words, parts["rarity"], parts["axes"])
            return cls(topics, parts["straight"], parts["numbers"], parts["placed"], int(parts["told"][0]))
        except (OSError, ValueError, KeyError, EOFError, IndexError, AttributeError, BadZipFile) as error:
            what = (
                f"The learnt map {path} cannot be read ({error}). Delete the file; it is learnt anew from the captions."
            )
            raise StoreError(what) from error


def _placed(shown: np.ndarray, goal: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return (n, k) topics of length 1 for ``vectors``, by kernel ridge regression on landmarks (Nyström)."""
    landmarks = shown[_spread(len(shown), LANDMARKS)]
    among = 2 - 2 * landmarks @ landmarks.T
    width = float(np.median(among)) or 1.0
    inner = np.exp(-_NARROW * among / width)
    left = np.exp(-_NARROW * (2 - 2 * shown @ landmarks.T) / width).astype(np.float64)
    weights = np.linalg.solve(left.T @ left + STIFFNESS * inner + 1e-6 * np.eye(len(landmarks)), left.T @ goal)
    weights = weights.astype(np.float32)
    blocks = []
    for at in range(0, len(vectors), _AT_ONCE):
        near = np.exp(-_NARROW * (2 - 2 * np.asarray(vectors[at : at + _AT_ONCE]) @ landmarks.T) / width)
        rows = near @ weights
        blocks.append(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
    return np.concatenate(blocks) if blocks else np.zeros((0, goal.shape[1]))


def _is_told(document: Mapping[str, str | Sequence[str]]) -> bool:
    """Whether somebody said what the picture shows: a name alone may be a file's."""
    return any(document.get(name) for name in ("caption", "description", "tags"))


def _spread(count: int, most: int) -> np.ndarray:
    """Return at most ``most`` of the places 0..count-1, evenly spaced."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)
