"""``OfflineEmbedder``: pictures as vectors of their colours and shapes; works at once, without a download."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.embedders.features import COLOUR_SIZE, LAYOUT_SIZE, colours, layout, shapes
from imagegen_kit.retrieval.embedders.foreground import cut_out

if TYPE_CHECKING:
    from PIL import Image

VERSION = 1  # of the code above; raise it with every change that changes a vector
BASIS = Path(__file__).with_name("offline_basis.npz")
SHAPES = 128  # principal directions of the shapes that are kept
LAYOUT_WEIGHT = 0.3  # beside colours and shapes, which weigh 1 each (openclipart, train half)
_MAX_PIXELS = 200_000_000


class Basis(NamedTuple):
    """Means of the three parts, and (576, 128) directions of the shapes, scaled by their variance to the power -1/4."""

    colours: np.ndarray
    layout: np.ndarray
    shapes: np.ndarray
    directions: np.ndarray


@cache
def shipped_basis() -> tuple[Basis, str]:
    """Return the basis in the package and the sha256 of its file."""
    with np.load(BASIS, allow_pickle=False) as stored:
        parts = Basis(*(stored[name].astype(np.float32) for name in Basis._fields))
    return parts, hashlib.sha256(BASIS.read_bytes()).hexdigest()


def parts_of(image: Image.Image) -> np.ndarray:
    """Return (972,) float32: colours, layout and shapes of ``image`` before they are centred and weighed."""
    shown = cut_out(image)
    return np.concatenate([colours(shown), layout(shown), shapes(shown)])


class OfflineEmbedder:
    """Colour histogram, colour layout and directions of edges of what a picture shows, as one vector of length 1.

    Pictures only: texts are answered by the words that were given with the pictures (``retrieval.lexical``). A picture
    and its mirror image have the same vector. The basis was fitted to one half of Debian's openclipart without looking
    at its words, and changes nothing but the weight of directions.
    """

    name = "offline"
    dimension = COLOUR_SIZE + LAYOUT_SIZE + SHAPES
    modalities = frozenset({"image"})
    mirror_invariant = True

    def __init__(self, argument: str = "") -> None:
        if argument:
            what = f"the embedder 'offline' takes nothing behind a colon, but got {argument[:80]!r}."
            raise InvalidInput([Fault("embedder", what, "Write embedder='offline'.")])
        self._basis, digest = shipped_basis()
        self.fingerprint = hashlib.sha256(f"offline {VERSION} {self.dimension} {digest}".encode()).hexdigest()

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return (n, 524) float32 vectors of length 1 for PIL images of any mode.

        Raises InvalidInput for a picture without pixels or of more than 200 megapixels.
        """
        vectors = np.zeros((len(images), self.dimension), dtype=np.float32)
        for row, image in enumerate(images):
            pixels = image.width * image.height
            if not 0 < pixels <= _MAX_PIXELS:
                what = f"{image.width}×{image.height} pixels cannot be looked at."
                raise InvalidInput([Fault(f"images[{row}]", what, "Give between one pixel and 200 megapixels.")])
            vectors[row] = weighed(parts_of(image)[None], self._basis)[0]  # alone: equal in whatever company it comes
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Raise InvalidInput: this embedder knows no texts."""
        what = "the offline embedder turns pictures into vectors, not texts."
        raise InvalidInput([Fault("texts", what, "Search by words instead, or open the library with embedder='clip'.")])


def weighed(parts: np.ndarray, basis: Basis) -> np.ndarray:
    """Return (n, 524) float32 rows of length 1 from (n, 972) parts."""
    hue, place, shape = np.split(parts, [COLOUR_SIZE, COLOUR_SIZE + LAYOUT_SIZE], axis=1)
    joined = np.concatenate(
        [
            unit(hue - basis.colours),
            LAYOUT_WEIGHT * unit(place - basis.layout),
            unit((shape - basis.shapes) @ basis.directions),
        ],
        axis=1,
    )
    return unit(joined)


def unit(rows: np.ndarray) -> np.ndarray:
    """Return float32 rows of length 1; a row of zeros becomes the first axis, so that none is NaN."""
    rows = np.array(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows[lengths[:, 0] < 1e-12] = np.eye(1, rows.shape[1], dtype=np.float32)
    return np.asarray(rows / np.where(lengths < 1e-12, 1, lengths), dtype=np.float32)
