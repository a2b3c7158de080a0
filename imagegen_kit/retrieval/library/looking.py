"""One look at a picture file: its hash, format and size, two perceptual hashes, and a copy for the embedder.

Each file is read, hashed and decoded once. What an embedder sees is at most 512 pixels a side, for pictures of a
library as for pictures of a query (``prepared``): no embedder looks closer, and a large JPEG is decoded at a fraction
of its size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.imaging.decode import open_sound, orientation, peek, turned_upright
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.thumbnail import shrink

if TYPE_CHECKING:
    import numpy as np

EMBED_PX = 512


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture file is. ``width`` and ``height`` are upright pixels."""

    sha256: str
    format: str
    width: int
    height: int
    size_bytes: int
    dhash: int
    phash: int


@dataclass(frozen=True, slots=True)
class Look(Facts):
    """What a picture file is, and ``image``, a copy of it of at most 512 pixels a side."""

    image: Image.Image


def look_at(data: bytes, *, where: str = "picture", sha256: str | None = None) -> Look:
    """Return what ``data`` is. Raises InvalidInput, in plain words, for anything but a sound PNG, JPEG or WebP."""
    loaded = open_sound(data, where=where, draft=EMBED_PX)
    format, width, height = peek(data)
    if orientation(loaded) > 4:
        width, height = height, width
    image = prepared(loaded)
    dhash, phash = perceptual_hashes(image)
    return Look(
        sha256 or hashlib.sha256(data).hexdigest(), format, width, height, len(data), dhash, phash, image
    )  # fmt: skip


def prepared(image: Image.Image) -> Image.Image:
    """Return ``image`` upright, in RGB or RGBA, its longer side at most 512 pixels: as embedders are to see it."""
    return shrink(turned_upright(image), EMBED_PX)


def perceptual_hashes(image: Image.Image) -> tuple[int, int]:
    """Return two 64-bit numbers, dHash and pHash, of which few bits differ between near-duplicates.

    dHash: whether brightness falls from each of 9 × 8 fields to its right neighbour. pHash: which of the 8 × 8 lowest
    frequencies of a 32 × 32 copy lie above their median (Krawetz 2011, 2013).
    """
    import numpy as np

    small = flatten(image).convert("L").resize((32, 32), Image.Resampling.BOX)
    fields = np.asarray(small.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    waves = _cosines() @ np.asarray(small, dtype=np.float32) @ _cosines().T
    return _number(fields[:, :-1] > fields[:, 1:]), _number(waves > np.median(waves))


@cache
def _cosines() -> np.ndarray:
    import numpy as np

    table: np.ndarray = np.cos(np.pi / 32 * (np.arange(32) + 0.5) * np.arange(8)[:, None]).astype(np.float32)
    return table


def _number(bits: np.ndarray) -> int:
    import numpy as np

    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")
