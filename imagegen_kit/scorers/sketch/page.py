"""The copy of a picture that the rules measure, with its paper, its ink and its figure found once for all of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from imagegen_kit.imaging.encode import flatten, plain
from imagegen_kit.imaging.masks import Mask, share_around
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.scorers.sketch.needed import needed

Levels = np.ndarray[Any, np.dtype[np.uint8]]
Numbers = np.ndarray[Any, np.dtype[np.float32]]

SIDE = 512  # pixels of the longer side of every copy, so that limits in pixels mean the same for every picture
RIM = 0.04  # of the shorter side: the rim by which the paper is known
NEAR = 3  # pixels around ink that belong to it: its soft edge, and what JPEG leaves there
CONTRAST = 40  # levels that ink is darker than its paper, at least: less is a stain
STAIN = 14  # levels by which paper may differ from itself
DEPTH = 12  # pixels from the edge of ink at which it is no stroke any more but a filled area
_MEAN = 5  # pixels a side of the square that ``smooth`` is the mean of


class Page:
    """A picture on white paper, brought to 512 pixels, and what the rules need to know of it.

    ``image`` is PIL of any mode and size. Everything is found at first use, so a rule that is left out costs nothing.
    """

    def __init__(self, image: Image.Image) -> None:
        if max(image.size) >= SIDE:
            image = shrink(image, SIDE)
        else:
            scale = SIDE / max(image.size)
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            image = plain(image).resize(size, Image.Resampling.BICUBIC)
        self.image = flatten(image)

    @cached_property
    def grey(self) -> Levels:
        """Levels from 0 black to 255 white, (height, width)."""
        return np.asarray(self.image.convert("L"))

    @cached_property
    def smooth(self) -> Numbers:
        """The mean level of the 5 × 5 pixels around each."""
        deep = _MEAN // 2
        wide = np.pad(self.grey.astype(np.uint16), deep, mode="symmetric")  # whole numbers: an even area stays even
        height, width = self.grey.shape
        rows, sums = wide[:height].copy(), np.zeros((height, width), dtype=np.uint16)
        for start in range(1, _MEAN):
            rows += wide[start : start + height]
        for start in range(_MEAN):
            sums += rows[:, start : start + width]
        smooth: Numbers = sums.astype(np.float32) / np.float32(_MEAN**2)
        return smooth

    @cached_property
    def rim(self) -> Mask:
        """The outermost 4 %."""
        deep = max(1, round(RIM * min(self.grey.shape)))
        rim = np.ones(self.grey.shape, dtype=bool)
        rim[deep:-deep, deep:-deep] = False
        return rim

    @cached_property
    def paper(self) -> float:
        """The level of the paper: the median of the rim."""
        return float(np.median(self.grey[self.rim]))

    @cached_property
    def stains(self) -> Mask:
        """What is not as light as the paper, or lighter: ink too."""
        stains: Mask = np.abs(self.grey - np.float32(self.paper)) > STAIN
        return stains

    @cached_property
    def threshold(self) -> float:
        """The level below which a pixel is ink: Otsu's, and never close to the paper."""
        return min(float(needed().otsu(self.grey)), self.paper - CONTRAST)

    @cached_property
    def ink(self) -> Mask:
        """Where something is drawn."""
        ink: Mask = self.grey < self.threshold
        return ink

    @cached_property
    def off_ink(self) -> Mask:
        """What is more than three pixels away from ink."""
        return ~_around(self.ink, NEAR)

    @cached_property
    def figure(self) -> Mask:
        """The ink and all that its lines enclose."""
        return ~self._ground.outside

    @cached_property
    def pieces(self) -> int:
        """How many pieces the ink is in, of pixels that touch at a side or corner.

        By Euler: pieces less holes is what the squares of four pixels say (Gray 1971), and holes are known.
        """
        ink = np.pad(self.ink, 1).view(np.uint8)
        above, below = ink[:-1], ink[1:]
        inked = (above + below)[:, :-1] + (above + below)[:, 1:]
        one, three = np.count_nonzero(inked == 1), np.count_nonzero(inked == 3)
        slanted = (above ^ below)[:, :-1] & (above ^ below)[:, 1:] & (above[:, :-1] ^ above[:, 1:])
        return int(one - three - 2 * np.count_nonzero(slanted)) // 4 + self._ground.holes

    @cached_property
    def _ground(self) -> _Ground:
        return _ground(self.ink)

    @cached_property
    def filled(self) -> Mask:
        """Ink that has ink around it 12 pixels wide, up to a speck."""
        filled: Mask = share_around(self.ink, DEPTH) == 255
        return filled

    @cached_property
    def _part(self) -> tuple[slice, slice]:
        """The rows and columns that hold all ink; without ink, all of them."""
        down, across = np.flatnonzero(self.ink.any(axis=1)), np.flatnonzero(self.ink.any(axis=0))
        if not down.size:
            return slice(None), slice(None)
        return slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)

    @cached_property
    def drawn(self) -> Mask:
        """The part of ``ink`` that holds all of it, with a margin of one pixel."""
        return np.pad(self.ink[self._part], 1)  # ink ends at the picture's edge too

    @cached_property
    def middle_lines(self) -> Mask:
        """The middle of the ink, one pixel wide, in ``drawn``. Of a filled area it follows the rim.

        The middle of an area is no line, and thinning takes a look at every pixel for each pixel of depth.
        """
        lines: Mask = needed().skeletonize(self.drawn & ~np.pad(self.filled[self._part], 1))
        return lines

    @cached_property
    def widths(self) -> Numbers:
        """How thick the ink is, in pixels, at each pixel of its middle line.

        The geometric mean of two distances that need no square root is exact for lines along the sides and diagonals
        and at most 10 % off between them; the exact one takes five times as long. Lines of 3 and of 4 pixels have the
        same distance in their middle, 2, and measure 3.5.
        """
        if not self.middle_lines.any():
            return np.zeros(0, dtype=np.float32)
        square, diamond = (_depths(self.drawn, self.middle_lines, corners) for corners in (True, False))
        widths: Numbers = 2 * np.sqrt(square.astype(np.float32) * diamond.astype(np.float32)) - 0.5
        return widths


def _depths(ink: Mask, at: Mask, corners: bool) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Return by how many steps each pixel of ``at`` is away from what is no ink; ``corners``: also slanted.

    ``ink`` has a margin of one pixel. The same numbers as ``scipy.ndimage.distance_transform_cdt``, in a fifth of the
    time: ``at`` lies near the edge of ink, and only as many layers are taken off as that needs.
    """
    left, places = ink.copy(), np.flatnonzero(at)
    depths: np.ndarray[Any, np.dtype[np.uint16]] = np.zeros(len(places), dtype=np.uint16)
    while (deeper := left.ravel()[places]).any():
        depths += deeper
        along = left[1:-1] & left[:-2] & left[2:]
        across = along if corners else left[1:-1]
        left[1:-1, 1:-1] = along[:, 1:-1] & across[:, :-2] & across[:, 2:]
    return depths


def _around(mask: Mask, radius: int) -> Mask:
    """Return (height, width) bool: where ``mask`` is set, or is within ``radius`` pixels along both sides."""
    for axis in (0, 1):
        reach = 1  # pixels that each one tells of by now, itself and those before it; doubled, but for the last time
        wide = np.pad(mask, [(radius, radius) if side == axis else (0, 0) for side in (0, 1)]).swapaxes(0, axis)
        while reach <= 2 * radius:
            step = min(reach, 2 * radius + 1 - reach)
            wide = wide[step:] | wide[:-step]
            reach += step
        mask = wide.swapaxes(0, axis)
    return mask


class _Ground(NamedTuple):
    """What is no ink: where it can be reached from the picture's edge, and how many parts of it cannot."""

    outside: Mask
    holes: int


def _ground(ink: Mask) -> _Ground:
    parts, count = needed().label(~ink)
    outside = np.zeros(count + 1, dtype=bool)
    outside[np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])] = True
    outside[0] = False  # ink that touches the edge
    return _Ground(outside[parts], count - int(outside.sum()))


def enclosed(ink: Mask) -> Mask:
    """Return ``ink`` and all that it encloses: what cannot be reached from the picture's edge."""
    return ~_ground(ink).outside
