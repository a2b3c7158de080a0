"""A small library of its own: a folder with ``library.jsonl`` and pictures, with the public side of ``Library``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagegen_kit.imaging.picture import Picture
from imagegen_kit.retrieval.base import Item
from imagegen_kit.retrieval.library.query import LibraryQuery
from imagegen_kit.retrieval.text import TextIndex
from imagegen_kit.types import Reference

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 210), "yellow": (230, 220, 40)}


@dataclass
class Colour:
    name: str = "colour"
    fingerprint: str = "c" * 64
    dimension: int = 3


class Shelf:
    """Searches by words in captions, or by the mean colour of a picture."""

    def __init__(self, path: Path) -> None:
        self.path, self.embedder, self.searches = Path(path).absolute(), Colour(), 0

    @classmethod
    def open(cls, path: str | Path, *, embedder: Any = "colour") -> Shelf:
        return cls(Path(path))

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.path / "library.jsonl").read_text().splitlines()]

    @property
    def state(self) -> str:
        return hashlib.sha256((self.path / "library.jsonl").read_bytes()).hexdigest()

    def numbers(self, where: Any = None) -> np.ndarray:
        rows = enumerate(self.rows())
        return np.array([n for n, r in rows if all(r.get(k) == v for k, v in (where or {}).items())], dtype=np.int64)

    def items(self, numbers: Any) -> list[Item]:
        rows = self.rows()
        return [
            Item(
                int(n), rows[n]["id"], rows[n]["sha256"], str(self.path / rows[n]["path"]), "png", 48, 48,
                rows[n].get("role", "content"), rows[n].get("name"), rows[n]["caption"], rows[n].get("description"),
            )
            for n in numbers
        ]  # fmt: skip

    def get(self, id: str) -> Reference:
        (number,) = [n for n, row in enumerate(self.rows()) if row["id"] == id]
        return replace(self._reference(number, 0.0), score=None)

    def query(self, *, top_k: int = 3, text: str | None = None, **brief: Any) -> LibraryQuery:
        return LibraryQuery(self, top_k, text, brief)

    def search(self, text: str | None = None, *, image: Any = None, top_k: int = 3, where: Any = None) -> Any:
        self.searches += 1
        allowed = self.numbers(where)
        if image is not None:
            wanted = _mean(image[0] if isinstance(image, list) else image)
            distance = {int(n): np.abs(_mean(Image.open(i.path)) - wanted).mean() for n, i in self._pairs(allowed)}
            found = [(n, 1 - d / 255) for n, d in sorted(distance.items(), key=lambda pair: pair[1])]
        else:
            index = TextIndex([row["caption"] for row in self.rows()])
            best = index.search(text or "", 100)
            found = [(row, score / best[0][1]) for row, score in best if row in set(allowed.tolist())]
        return [self._reference(number, score) for number, score in found[:top_k]]

    def _pairs(self, numbers: np.ndarray) -> Any:
        return zip(numbers.tolist(), self.items(numbers), strict=True)

    def _reference(self, number: int, score: float) -> Reference:
        (item,) = self.items([number])
        picture = Picture(item.sha256, format="png", width=48, height=48, path=item.path)
        about = {"role": item.role, "name": item.name, "description": item.description}
        return Reference(picture, origin=item.id, score=round(score, 6), **about)


def _mean(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), dtype=float).mean(axis=(0, 1))


def make_shelf(folder: Path, **more: str) -> Shelf:
    """Four coloured cups in ``folder``; ``more`` are further ids with their captions."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    captions = {f"{colour}-cup": f"a {colour} cup" for colour in COLOURS} | more
    lines = []
    for number, (id, caption) in enumerate(captions.items()):
        colour = COLOURS.get(id.split("-")[0], (number * 17 % 256, 90, number * 41 % 256))
        path = folder / "pictures" / f"{id}.png"
        Image.new("RGB", (48, 48), colour).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        role = "character" if id.startswith("red") else "content"
        row = {"id": id, "path": f"pictures/{id}.png", "sha256": digest, "caption": caption, "role": role}
        lines.append(json.dumps({**row, "name": id.split("-")[0].title(), "description": f"the {caption[2:]}"}))
    (folder / "library.jsonl").write_text("\n".join(lines) + "\n")
    return Shelf(folder)
