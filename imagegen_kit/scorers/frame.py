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
    turned = [rgb, rgb[::-1], rgb.transpose(1, 0, 2), rgb.transpose(1, 0, 2)[::-1]]  # each side on top
    colours = [np.median(side[0], axis=0).astype(np.int16) for side in turned]
    differs = {tuple(colour): (np.abs(rgb - colour) > ALIKE).any(axis=2) for colour in colours}
    unlike = [differs[tuple(colour)] for colour in colours]
    unlike = [unlike[0], unlike[1][::-1], unlike[2].T, unlike[3].T[::-1]]
    depths = [_depth(side) for side in unlike]
    if min(depths[0], depths[1]) >= height or min(depths[2], depths[3]) >= width:
        return Measurement(None, "is blank: all of it has one colour")
    inside = (slice(depths[2], width - depths[3]), slice(depths[0], height - depths[1]))  # of rows, of columns
    for first in (0, 2):
        pair = (first, first + 1)
        alike = np.abs(colours[first] - colours[first + 1]).max() <= ALIKE
        if not (alike and all(_straight(unlike[i], depths[i], inside[first // 2]) for i in pair)):
            depths[first] = depths[first + 1] = 0
    top, bottom, left, right = depths
    share = 1 - (height - top - bottom) * (width - left - right) / (height * width)
    details = {
        side: depth / (height if side in SIDES[:2] else width) for side, depth in zip(SIDES, depths, strict=True)
    }
    return Measurement(share, details=details)


def _depth(unlike: np.ndarray) -> int:
    """Return how many lines from the top belong to the band."""
    ends = unlike.mean(axis=1) > STRAY
    return int(ends.argmax()) if ends.any() else len(unlike)


def _straight(unlike: np.ndarray, depth: int, inside: slice) -> bool:
    """Say whether the band ends along a line; scaling may have blended the first line inside with the band."""
    if depth == 0:
        return False
    return any(bool(line.size and line.mean() >= STRAIGHT) for line in unlike[depth : depth + 2, inside])
