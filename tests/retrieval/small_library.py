"""A small real library in memory: what retrievers ask, answered with numpy, over pictures drawn on the spot."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.base import Item
from imagegen_kit.retrieval.text import TextIndex, tokenize

WHERE = ("id", "role", "name", "licence", "width", "height")


class ColourEmbedder:
    """Colours and brightness by place: 64 shares of colours and 16 fields. ``wordy`` ones embed colour words too."""

    name = "colours"
    dimension = 80

    def __init__(self, *, wordy: bool = False) -> None:
        self.modalities = frozenset(("image", "text") if wordy else ("image",))
        self.fingerprint = hashlib.sha256(b"colours 1").hexdigest()

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        return np.stack([self._one(image) for image in images])

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        if "text" not in self.modalities:
            raise AssertionError("an embedder of pictures was asked for words")
        return np.stack([self._one(painted(text)) for text in texts])

    def _one(self, image: Image.Image) -> np.ndarray:
        pixels = np.asarray(image.convert("RGB").resize((32, 32)))
        bins = (pixels // 64).astype(np.int64) @ [16, 4, 1]
        shares = np.bincount(bins.ravel(), minlength=64) / bins.size
        fields = np.asarray(image.convert("L").resize((4, 4), Image.Resampling.BOX)).ravel() / 255 / 4
        vector = np.concatenate([np.sqrt(shares), 0.5 * fields]).astype(np.float32)
        return vector / np.linalg.norm(vector)


def painted(text: str) -> Image.Image:
    """Return stripes of the colours that a text names."""
    colours = [word for word in tokenize(text) if word in ImageColor.colormap] or ["white"]
    image = Image.new("RGB", (8 * len(colours), 8))
    for place, colour in enumerate(colours):
        image.paste(colour, (8 * place, 0, 8 * place + 8, 8))
    return image


class Words:
    """BM25 over the items' texts; a score is the share of the best that the query could get."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._numbers = np.array([item.number for item in items], dtype=np.int64)
        texts = [
            {
                "name": item.name or "",
                "tags": item.tags,
                "caption": f"{item.caption or ''} {item.description or ''}",
            }
            for item in items
        ]
        self._index = TextIndex(texts)

    def search(self, query: str, top_k: int, *, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        found = self._index.search(query, len(self._numbers))
        numbers = np.array([self._numbers[row] for row, _ in found], dtype=np.int64)
        scores = np.array([score for _, score in found])
        scores = scores / (2.0 + scores)
        if allowed is not None:
            mask = np.isin(numbers, allowed)
            numbers, scores = numbers[mask], scores[mask]
        return numbers[:top_k], scores[:top_k]

    def held(self, query: str, numbers: np.ndarray) -> np.ndarray:
        found = np.zeros(len(numbers), dtype=np.int64)
        for bit, words in enumerate(self._index.answering(query, 62)):
            rows = np.concatenate([self._index.postings[word][0] for word in words])
            found |= np.isin(numbers, self._numbers[rows]).astype(np.int64) << bit
        return found


class Vectors:
    def __init__(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        self._numbers, self._vectors = numbers, vectors
        self.asked: list[int] = []  # how deep each search went

    def __len__(self) -> int:
        return len(self._numbers)

    def search(
        self, queries: np.ndarray, top_k: int, *, allowed: np.ndarray | None = None, exact: bool = False
    ) -> SimpleNamespace:
        self.asked.append(top_k)
        mask = np.ones(len(self._numbers), bool) if allowed is None else np.isin(self._numbers, allowed)
        numbers = self._numbers[mask]
        scores = queries @ self._vectors[mask].T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        short = ((0, 0), (0, top_k - order.shape[1]))
        ids = np.pad(numbers[order], short, constant_values=-1)
        best = np.pad(np.take_along_axis(scores, order, axis=1), short, constant_values=-np.inf)
        return SimpleNamespace(ids=ids, scores=best, exact=True, seconds=0.0)

    def vectors_of(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        places = np.searchsorted(self._numbers, ids)
        assert (self._numbers[places] == ids).all()
        return self._vectors[places]


@dataclass(frozen=True)
class Learnt:
    """A map from words to pictures, as one would be learnt: here it knows colours."""

    vectors: Callable[[], Vectors]
    label: str = "learnt from 40 of your own captions"

    def knows(self, text: str) -> bool:
        return any(word in ImageColor.colormap for word in tokenize(text))

    def search(self, text: str, top_k: int, *, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        found = self.vectors().search(ColourEmbedder(wordy=True).embed_texts([text]), top_k, allowed=allowed)
        return found.ids[0][found.ids[0] >= 0], found.scores[0][found.ids[0] >= 0]


class SmallLibrary:
    """Items and their pictures; numbers start at 10 and leave gaps, as those of a library from which some went."""

    def __init__(self, folder: Path, *, wordy: bool = False, learnt: bool = False) -> None:
        self.path, self.embedder = folder, ColourEmbedder(wordy=wordy)
        self.learnt = Learnt(lambda: self.vectors) if learnt else None
        self._items: list[Item] = []
        self._vectors: list[np.ndarray] = []
        self._prints: list[tuple[int, int]] = []
        self._built()

    def add(self, image: Image.Image, id: str, *, format: str = "png", quality: int = 90, **about: Any) -> Item:
        """Write the picture and keep it; ``about`` are fields of Item."""
        out = io.BytesIO()
        image.save(out, format, **({"quality": quality} if format == "jpeg" else {}))
        path = self.path / f"{id}.{format}"
        path.write_bytes(out.getvalue())
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        number = 10 + 3 * len(self._items)
        item = replace(Item(number, id, digest, str(path), format, *image.size), **about)
        stored = Image.open(path)
        self._items.append(item)
        self._vectors.append(self.embedder.embed_images([stored])[0])
        self._prints.append(perceptual_hashes(stored))
        stored.close()
        self._built()
        return item

    def _built(self) -> None:
        self._numbers = np.array([item.number for item in self._items], dtype=np.int64)
        self.words = Words(self._items)
        stacked = np.stack(self._vectors) if self._vectors else np.zeros((0, 80), np.float32)
        self.vectors = Vectors(self._numbers, stacked)
        self.state = hashlib.sha256(repr(self._items).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._items)

    def numbers(self, where: Mapping[str, Any] | None = None) -> np.ndarray:
        unknown = [key for key in where or () if key not in WHERE]
        if unknown:
            raise InvalidInput([Fault("where", f"items have no {key!r}.") for key in unknown])
        keep = [all(_fits(getattr(i, k), v) for k, v in (where or {}).items()) for i in self._items]
        return self._numbers[np.array(keep, dtype=bool)]

    def items(self, numbers: Sequence[int] | np.ndarray) -> list[Item]:
        known = {item.number: item for item in self._items}
        return [known[int(number)] for number in numbers]

    def fingerprints(self, numbers: Sequence[int] | np.ndarray, kind: str = "dhash") -> np.ndarray:
        prints = np.array(self._prints, dtype=np.uint64)[np.searchsorted(self._numbers, numbers)].T
        return prints if kind == "both" else prints[("dhash", "phash").index(kind)]


def perceptual_hashes(image: Image.Image) -> tuple[int, int]:
    """Return dHash and pHash: falling brightness between 9 × 8 fields, and the 64 lowest frequencies of 32 × 32."""
    small = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    fields = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    cosines = np.cos(np.pi / 32 * (np.arange(32) + 0.5) * np.arange(8)[:, None])
    waves = cosines @ small @ cosines.T
    both = (fields[:, :-1] > fields[:, 1:], waves > np.median(waves))
    first, second = (int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big") for bits in both)
    return first, second


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        low, high = wanted
        return (low is None or value >= low) and (high is None or value <= high)
    return bool(value in wanted) if isinstance(wanted, list) else bool(value == wanted)


def shape(
    ink: str, paper: str = "white", form: str = "circle", size: tuple[int, int] = (64, 64), turn: int = 0
) -> Image.Image:
    """Return a drawing: a circle, a box, a bar or a corner in ``ink`` on ``paper``."""
    image = Image.new("RGB", size, paper)
    width, height = size
    draw = ImageDraw.Draw(image)
    forms: dict[str, Callable[[], None]] = {
        "circle": lambda: draw.ellipse((width // 5, height // 5, 4 * width // 5, 4 * height // 5), ink),
        "box": lambda: draw.rectangle((width // 4, height // 4, 3 * width // 4, 3 * height // 4), ink),
        "bar": lambda: draw.rectangle((width // 8, 0, width // 3, height), ink),
        "corner": lambda: draw.polygon(((0, 0), (width, 0), (0, height)), ink),
    }
    forms[form]()
    return image.rotate(turn)
