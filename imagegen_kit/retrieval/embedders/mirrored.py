"""A picture and its mirror image as one query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Embedder


def mirrored_queries(embedder: Embedder, image: Image.Image) -> np.ndarray:
    """Return (m, dimension) float32 vectors for ``image``; an item's likeness is its best inner product with any.

    m is 2, the picture and its mirror image, or 1 where the embedder says ``mirror_invariant``.
    """
    if getattr(embedder, "mirror_invariant", False):
        return embedder.embed_images([image])
    return embedder.embed_images([image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
