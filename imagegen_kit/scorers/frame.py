"""How much of a picture is a frame: even bands along opposite sides that end in straight edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.scorers.base import Measurement

if TYPE_CHECKING:
    import numpy as np

ALIKE = 16  # levels of 255 by which a pixel may differ from its band; JPEG and scaling leave up to 10
STRAY = 0.02  # share of a line's pixels that may differ where it is still part of the band
STRAIGHT = 0.5  # share of the first line inside that must differ: the paper around a drawing ends at single points
SIDES = ("top", "bottom", "left", "right")


def framed(rgb: np.ndarray) -> Measurement:
    """Return the share of the area of ``rgb`` ((h, w, 3) uint8) that a frame or letterbox takes, 0 to 1.

    Bands count in pairs of one colour, top with bottom and left with right: a sky is no letterbox, nor is the ground.
    The details give each band as a share of the picture's height or width.
    """
    import numpy as np

    height, width = rgb.shape[:2]
    across = rgb.transpose(1, 0, 2)
    turned = [rgb, rgb[::-1], across, across[::-1]]  # each side on top
    colours = [np.median(side[0], axis=0).astype(np.int16) for side in turned]
    even = [bool(_unlike(side[:1], colour).mean() <= STRAY) for side, colour in zip(turned, colours, strict=True)]
    pairs = [(i, i + 1) for i in (0, 2) if even[i] and even[i + 1] and not _differ(colours[i], colours[i + 1])]
    unlike = {i: _unlike(turned[i], colours[i]) for pair in pairs for i in pair}
    depths = [_depth(unlike[i]) if i in unlike else 0 for i in range(4)]
    if len(rgb) in depths[:2] or len(across) in depths[2:]:
        return Measurement(None, "is blank: all of it has one colour")
    inside = (slice(depths[2], width - depths[3]), slice(depths[0], height - depths[1]))  # columns, rows
    for pair in pairs:
        if not all(_straight(unlike[i], depths[i], inside[i // 2]) for i in pair):
            depths[pair[0]] = depths[pair[1]] = 0
    top, bottom, left, right = depths
    share = 1 - (height - top - bottom) * (width - left - right) / (height * width)
    details = {
        side: depth / (height if side in SIDES[:2] else width) for side, depth in zip(SIDES, depths, strict=True)
    }
    return Measurement(share, details=details)


def _unlike(rgb: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return (height, width) bool: where a pixel differs from the colour."""
    red, green, blue = (abs(rgb[..., i] - colour[i]) > ALIKE for i in range(3))
    unlike: np.ndarray = red | green | blue
    return unlike


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(abs(one - other).max() > ALIKE)


def _depth(unlike: np.ndarray) -> int:
    """Return how many lines from the top belong to the band."""
    ends = unlike.mean(axis=1) > STRAY
    return int(ends.argmax()) if ends.any() else len(unlike)


def _straight(unlike: np.ndarray, depth: int, inside: slice) -> bool:
    """Say whether the band ends along a line; scaling may have blended the first line inside with the band."""
    if depth == 0:
        return False
    return any(bool(line.size and line.mean() >= STRAIGHT) for line in unlike[depth : depth + 2, inside])
