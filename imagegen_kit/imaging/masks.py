"""Small arithmetic on masks, of Pillow and numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageFilter

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def share_around(mask: Mask, radius: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return how much of the square around each pixel is set: 255 all of it, 0 (nearly) nothing."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius)))


def colour_spread(image: Image.Image) -> float:
    """Return by how many levels of 255 the channels of an RGB picture differ: the 99.5th percentile of its pixels."""
    red, green, blue = image.split()
    highest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    lowest = ImageChops.darker(ImageChops.darker(red, green), blue)
    counts = np.cumsum(ImageChops.difference(highest, lowest).histogram())
    return float(np.searchsorted(counts, 0.995 * counts[-1]))
