"""What retrieval is made of: items, briefs and hits, and the two things that plugins bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from imagegen_kit.retrieval.library import Library

# The three ways to find a picture. An item may be found by several; a weight of 0 switches one off.
TEXT = "text"  # words of the brief against name, caption, description and tags
IMAGE = "image"  # pictures of the brief against the library's pictures
TEXT_TO_IMAGE = "text_to_image"  # words of the brief against the library's pictures themselves
CHANNELS = (TEXT, IMAGE, TEXT_TO_IMAGE)


class Embedder(Protocol):
    """Turns pictures, and where it can texts, into vectors of one space; made once, used by several threads in turn.

    A plugin offers it as ``RetrieverSpec(name, kind="embedder", target="module:Class")``; the class is called with the
    text behind the colon of ``"clip:some/folder"``, or with nothing where there is none.
    """

    name: str
    fingerprint: (
        str  # 64 hex digits of all that changes a vector: weights, preprocessing, dimension, version of the code
    )
    dimension: int
    modalities: frozenset[str]  # "image", and "text" where texts share the space

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return (n, dimension) float32 vectors of length 1 for PIL images of any mode."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, dimension) float32 vectors of length 1; a text is never a path or an address to be opened."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a library. ``number`` never changes and is never used again; ``id`` is what people write.

    ``path`` is absolute. ``variations`` are ids of items that show the same character or setting in another way.
    ``meta`` holds whatever else was given with it. Unknown texts are None; sizes are upright pixels.
    """

    number: int
    id: str
    sha256: str
    path: str
    format: str
    width: int
    height: int
    role: str = "content"
    name: str | None = None
    caption: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    licence: str | None = None
    meta: Mapping[str, Any] = field(default_factory=empty)


@dataclass(frozen=True, slots=True)
class Brief:
    """What is looked for. ``images`` are PIL images that were opened and checked already, never paths.

    ``vector`` is a (dimension,) float32 vector of the library's embedder in place of pictures. ``negative`` and
    ``negative_images`` are what the pictures shall not show, in words and in pictures. ``weights`` are by channel
    (None: the retriever's own). ``where`` filters items before anything is ranked. ``diversity`` is from 0 (the best)
    to 1 (as different from each other as can be). ``dedup`` leaves near-duplicates of better hits out. ``min_score`` is
    on the hit's score, or by channel on that channel's.
    """

    text: str | None = None
    images: tuple[Image.Image, ...] = ()
    vector: np.ndarray | None = None
    negative: str | None = None
    negative_images: tuple[Image.Image, ...] = ()
    weights: Mapping[str, float] | None = None
    where: Mapping[str, Any] | None = None
    top_k: int = 3
    diversity: float = 0.0
    dedup: bool = True
    min_score: float | Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class ChannelHit:
    """What one channel says of an item: its place, from 1, and how alike it is, from 0 to 1."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """An item that was found. ``score``, from 0 to 1, is the weighted mean of what its channels say."""

    number: int
    score: float
    channels: Mapping[str, ChannelHit] = field(default_factory=empty)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a retriever, best first.

    ``exact`` says of each channel whether every item was compared (False: an approximate index was asked).
    ``seconds`` are by stage. ``notes`` are for people: a channel that had to be left out, and why. ``kept`` is how many
    items the brief's ``where`` let through, None where the retriever does not say; ``among`` how many of
    these were compared where a part of the library could not be asked, None where all were.
    """

    hits: tuple[Hit, ...]
    exact: Mapping[str, bool] = field(default_factory=empty)
    seconds: Mapping[str, float] = field(default_factory=empty)
    notes: tuple[str, ...] = ()
    kept: int | None = None
    among: int | None = None


class Retriever(Protocol):
    """Finds items of a library for a brief.

    A plugin offers it as ``RetrieverSpec(name, target="module:Class")``; the class is called with nothing. It sees the
    library's public side only: ``len``, ``items(numbers)``, ``numbers(where)``, ``words``, ``vectors``, ``embedder``.
    """

    name: str

    def retrieve(self, library: Library, brief: Brief) -> Found:
        """Return at most ``brief.top_k`` hits among the items that ``brief.where`` lets through, best first."""
