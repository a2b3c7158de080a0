"""Round corners: what a cell with round corners shows there of the ground that it lies on is painted over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.imaging.lines import TOLERANCE, apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imagegen_kit.imaging.lines import Colour

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

LARGEST = 0.25  # of the shorter side: the largest radius of a corner
LEAST = 3  # pixels of a wedge's side, below which there is none


def filled_corners(pixels: Pixels, grounds: list[Colour], wider: int) -> Pixels:
    """Return ``pixels`` with its corners filled from what is beside them, where they show one of ``grounds``.

    Only where at least three corners show a wedge of like size it is a round cell, and no motif. ``wider`` pixels
    beyond the wedge, blends and a frame around it, are filled as well.
    """
    side = int(min(pixels.shape[:2]) * LARGEST)
    turned = [pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1]]
    for ground in grounds:
        wedges = [_wedge(view[:side, :side], ground) for view in turned]
        sizes = sorted(int(wedge.sum()) for wedge in wedges)
        if sizes[1] < LEAST * LEAST or sizes[1] * 3 < sizes[3]:
            continue
        result = pixels.copy()
        for view, wedge in zip((result, result[:, ::-1], result[::-1], result[::-1, ::-1]), wedges, strict=True):
            if wedge.any():
                _fill(view, wedge, wider)
        return result
    return pixels


def _wedge(part: Pixels, ground: Colour) -> Mask:
    """Return which pixels of the upper left ``part`` are of ``ground``, ever fewer from the corner on."""
    like = apart(part.astype(np.int16), ground) <= TOLERANCE
    run = np.cumprod(like, axis=1).sum(axis=1)  # how far the ground reaches into each line
    run = np.minimum.accumulate(run)  # ever less, from the corner on
    wedge: Mask = np.arange(part.shape[1])[None, :] < run[:, None]
    reach = int(run[0]) if len(run) else 0
    depth = int((run > 0).sum())
    full = reach in (0, part.shape[1]) or depth in (0, len(run))  # a whole side is of it: that is no corner
    slim = not full and not 0.05 < wedge.sum() / (reach * depth) < 0.6  # of the box of a round corner a fifth is ground
    return np.zeros_like(wedge) if full or slim else wedge


def _fill(view: Pixels, wedge: Mask, wider: int) -> None:
    """Paint over the upper left ``wedge`` of ``view``, each pixel from the nearest in its line and its column."""
    high, wide = wedge.shape
    run = wedge.sum(axis=1)
    for line in np.flatnonzero(run):
        run[line] += wider
    lines = int((wedge.any(axis=1)).sum())
    run[lines : lines + wider] = np.maximum(run[lines : lines + wider], 1)
    run = np.minimum(run, wide - 1)
    mask = np.arange(wide)[None, :] < run[:, None]
    depth = mask.sum(axis=0)
    original = view[:high, :wide].astype(np.float32)
    y, x = np.nonzero(mask)
    along, down = run[y], np.minimum(depth[x], high - 1)
    near_x, near_y = (along - x).astype(np.float32)[:, None], (down - y).astype(np.float32)[:, None]
    mixed = (original[y, along] * near_y + original[down, x] * near_x) / np.maximum(near_x + near_y, 1)
    view[y, x] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
