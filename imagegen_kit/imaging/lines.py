"""Straight bands of one colour in a picture: the gutters and borders of grids, found line by line.

All functions take pixels as int16 of shape (lines, samples, 3); for columns give the array transposed. A *band* is a
run of lines of one colour, and it counts only where it ends in a jump: a clear sky is of one colour too, and fades.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.int16]
    Colour = NDArray[np.int16]

TOLERANCE = 26  # of 255, in the channel that differs most: what JPEG and antialiasing do to one colour
ALIKE = 0.95  # share of a line that has to be of the band's colour
JUMPS = 0.7  # quantile: 30 % of the samples must jump at the end of a band, for cells may partly look like it
SAMPLES = 512  # of a line
SOFT = 4  # lines within which an edge is soft


class Band(NamedTuple):
    """The lines ``start`` … ``stop`` - 1 of one ``colour``."""

    start: int
    stop: int
    colour: Any

    @property
    def middle(self) -> float:
        """Where the middle of the band is."""
        return (self.start + self.stop) / 2


def sampled(pixels: NDArray[np.uint8]) -> Pixels:
    """Return (lines, at most ``SAMPLES``, 3) of uint8 pixels."""
    return pixels[:, :: max(1, pixels.shape[1] // SAMPLES)].astype(np.int16)


def apart(pixels: Pixels, colour: Colour) -> Pixels:
    """Return how far each pixel is from ``colour``, in the channel that differs most."""
    found: Pixels = np.abs(pixels - colour).max(axis=-1)
    return found


def even_lines(pixels: Pixels) -> tuple[Colour, NDArray[np.bool_]]:
    """Return each line's middle colour (lines, 3), and whether the line is of that colour."""
    colours = np.median(pixels, axis=1).astype(np.int16)
    return colours, (apart(pixels, colours[:, None]) <= TOLERANCE).mean(axis=1) >= ALIKE


def bands(pixels: Pixels) -> list[Band]:
    """Return every band in order; one that touches the rim of the picture jumps on its inner side."""
    colours, even = even_lines(pixels)
    count, found, start = len(pixels), [], 0
    while start < count:
        if not even[start]:
            start += 1
            continue
        stop = start + 1
        while stop < count and even[stop] and apart(colours[stop], colours[start]) <= TOLERANCE // 2:
            stop += 1
        colour = np.median(colours[start:stop], axis=0).astype(np.int16)
        inner = [at for at in (start - 1, stop) if 0 <= at < count]
        if inner and all(_jumps(pixels, at, 1 if at == stop else -1, colour) for at in inner):
            found.append(Band(start, stop, colour))
        start = stop
    return found


def _jumps(pixels: Pixels, at: int, way: int, colour: Colour) -> bool:
    """Whether the lines from ``at`` on are suddenly of other colours than ``colour``."""
    reach = at + way * (SOFT - 1)
    near = pixels[min(at, reach) if min(at, reach) > 0 else 0 : max(at, reach) + 1]
    return bool(near.size) and bool(np.quantile(apart(near, colour).max(axis=0), JUMPS) > TOLERANCE)


def soft_edge(pixels: Pixels, at: int, way: int, colour: Colour) -> int:
    """Return how many lines from ``at`` on are a blend of ``colour`` and of what comes behind it.

    A blend goes on from line to line: lines of one colour that is well off ``colour`` are the picture's own.
    """
    lines = [pixels[k] for k in range(at, at + way * SOFT, way) if 0 <= k < len(pixels)]
    if not lines:
        return 0
    far = [float(np.quantile(apart(line, colour), JUMPS)) for line in lines]
    full = max(far)
    stays = [one >= 0.5 * full and after <= 1.05 * one for one, after in pairwise([*far, full])]
    return next((n for n, one in enumerate(far) if one >= 0.75 * full or stays[n]), 0)


def rim(pixels: Pixels, colour: Colour | None = None, most: float = 0.15) -> Band | None:
    """Return the band at line 0, at most a share ``most`` of all lines, or None.

    Where ``colour`` is given it must be that one, and be met closely: a light wall beside a white gutter is no gutter.
    """
    near = TOLERANCE if colour is None else TOLERANCE // 3
    colours = np.median(pixels[: max(2, round(len(pixels) * most)) + SOFT], axis=1).astype(np.int16)
    own = colours[0] if colour is None else colour
    stop = 0
    limit = min(len(colours), round(len(pixels) * most))
    while stop < limit and (apart(pixels[stop], own) <= near).mean() >= ALIKE:
        stop += 1
    if not 0 < stop < limit or not _jumps(pixels, stop, 1, own):
        return None
    return Band(0, stop + soft_edge(pixels, stop, 1, own), own)


def seam(pixels: Pixels, expected: int, within: int) -> int | None:
    """Return the line at which two pictures meet without a gutter, at most ``within`` lines off, or None."""
    width = max(1, pixels.shape[1] // 64)
    blocks = pixels[:, : pixels.shape[1] // width * width].reshape(len(pixels), -1, width, 3).mean(axis=2)
    sums = np.concatenate([np.zeros((1, *blocks.shape[1:])), blocks.cumsum(axis=0)])
    deep = 3
    at = np.arange(deep, len(pixels) - deep + 1)
    step = np.abs(sums[at + deep] - 2 * sums[at] + sums[at - deep]).max(axis=2) / deep
    scores = np.median(step, axis=1) + step.mean(axis=1)
    near = np.abs(at - expected)
    if not (near <= within).any():
        return None
    best = int(at[near <= within][scores[near <= within].argmax()])
    around = scores[(np.abs(at - best) > 2 * deep) & (near <= max(8 * within, len(pixels) // 6))]
    score = float(scores[best - deep])
    return best if around.size and score > 20 and score > 1.5 * float(np.quantile(around, 0.97)) else None
