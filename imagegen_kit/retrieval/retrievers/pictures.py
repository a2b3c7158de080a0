"""Vectors of what is asked: of words, and of pictures, seen from both sides where the embedder asks for that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.errors import PluginError
from imagegen_kit.retrieval.embedders import mirrored_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder

_turn = threading.Lock()  # an embedder is promised that threads come one after the other


def views_of(embedder: Embedder, images: Sequence[Image.Image]) -> list[np.ndarray]:
    """Return for each picture its (m, dimension) query vectors; an item is as like the picture as its best of the m."""
    with _turn:
        return [_checked(embedder, mirrored_queries(embedder, image)) for image in images]


def vector_of_text(embedder: Embedder, text: str) -> np.ndarray:
    """Return the (1, dimension) vector of words, by an embedder that knows texts."""
    with _turn:
        return _checked(embedder, embedder.embed_texts([text]))


def _checked(embedder: Embedder, vectors: np.ndarray) -> np.ndarray:
    vectors = np.atleast_2d(vectors)
    if vectors.shape[1] != embedder.dimension or not np.isfinite(vectors).all():
        shape = f"vectors of shape {vectors.shape}, not (n, {embedder.dimension}) finite numbers"
        raise PluginError(f"the embedder {embedder.name!r} returned {shape}.")
    return vectors


def likeness(vectors: np.ndarray, views: Sequence[np.ndarray]) -> np.ndarray:
    """Return (n,) how like items are to all of several pictures: the mean over them of the best cosine to their views.

    ``vectors`` is (n, d); ``views`` holds an (m, d) array for each picture; all of length 1.
    """
    total = np.zeros(len(vectors), dtype=np.float32)
    for one in views:
        total += (vectors @ one.T).max(axis=1)
    return total / max(len(views), 1)
