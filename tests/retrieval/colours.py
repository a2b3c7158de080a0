"""A small real embedder for tests: how much red, green and blue each quarter of a picture holds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from imagegen_kit.imaging.encode import flatten


class Colours:
    """12 numbers and a constant, of length 1. ``version`` changes the fingerprint, as new code would."""

    dimension = 13
    modalities = frozenset(("image",))

    def __init__(self, name: str = "colours", version: int = 1) -> None:
        self.name = name
        self.version = version
        self.fingerprint = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
        self.seen = 0

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.seen += len(images)
        small = [flatten(image).resize((2, 2), Image.Resampling.BOX) for image in images]
        rows = np.array([[*np.asarray(one, dtype=np.float32).ravel() / 255, 0.1] for one in small], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise NotImplementedError


def drawn(number: int, size: tuple[int, int] = (48, 36)) -> Image.Image:
    """A picture that no other number has."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", size, tuple(int(c) for c in rng.integers(0, 255, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, width, height = rng.uniform(0, 0.7, 2).tolist() + rng.uniform(0.1, 0.5, 2).tolist()
        box = (x * size[0], y * size[1], (x + width) * size[0], (y + height) * size[1])
        draw.ellipse(box, fill=tuple(int(c) for c in rng.integers(0, 255, 3)))
    return image


def pictures_in(folder: Path, count: int, *, first: int = 0, suffix: str = ".png") -> list[Path]:
    """Draw ``count`` pictures into ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{number:03d}{suffix}" for number in range(first, first + count)]
    for number, path in enumerate(paths, start=first):
        drawn(number).save(path)
    return paths
