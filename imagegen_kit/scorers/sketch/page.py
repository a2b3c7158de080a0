"""The copy of a picture that the rules measure, with its paper, its ink and its figure found once for all of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

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
        smooth: Numbers = needed().mean(self.grey.astype(np.float32), 5)
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
        off_ink: Mask = share_around(self.ink, NEAR) == 0
        return off_ink

    @cached_property
    def figure(self) -> Mask:
        """The ink and all that its lines enclose."""
        return enclosed(self.ink)

    @cached_property
    def drawn(self) -> Mask:
        """The part of ``ink`` that holds all of it, with a margin of one pixel; without ink all of it."""
        down, across = np.flatnonzero(self.ink.any(axis=1)), np.flatnonzero(self.ink.any(axis=0))
        if not down.size:
            return self.ink
        cut = self.ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
        return np.pad(cut, 1)  # ink ends at the picture's edge too

    @cached_property
    def middle_lines(self) -> Mask:
        """The middle of the ink, one pixel wide, in ``drawn``."""
        lines: Mask = needed().skeletonize(self.drawn)
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
        square = needed().distance(self.drawn, "chessboard")[self.middle_lines]
        diamond = needed().distance(self.drawn, "taxicab")[self.middle_lines]
        widths: Numbers = 2 * np.sqrt(square.astype(np.float32) * diamond) - 0.5
        return widths


def enclosed(ink: Mask) -> Mask:
    """Return ``ink`` and all that it encloses: what cannot be reached from the picture's edge."""
    parts, count = needed().label(~ink)
    outside = np.zeros(count + 1, dtype=bool)
    outside[np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])] = True
    outside[0] = False  # ink that touches the edge
    inside: Mask = ~outside[parts]
    return inside
