"""JPEG artefacts: steps of brightness along the grid of 8 × 8 blocks that are not there beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.imaging.encode import flatten
from imagegen_kit.scorers.base import Measurement

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

BLOCK = 8  # pixels of the grid of every JPEG, from the upper left corner
HIGHEST = 32.0  # levels of 255 that a step counts at most: larger ones are drawn edges that happen to lie on the grid
LINES = 256  # rows, and columns, that are looked at: evenly over the picture


def blocking(image: Image.Image) -> Measurement:
    """Return by how many levels (0 to 32) the mean step on the grid is higher than on any grid beside it.

    Looks at the pixels as they are stored, for a copy has lost the grid. A step is the difference of two neighbours
    less the mean of the differences to either side of it, so that slopes and textures do not count (after Wang, Bovik
    and Evans 2000).
    """
    import numpy as np

    grey = np.asarray(flatten(image).convert("L"))
    height, width = grey.shape
    means = []
    for lines in (grey[:: max(1, height // LINES)], grey.T[:: max(1, width // LINES)]):
        if lines.shape[1] > 2 * BLOCK:
            means.append(_excess(lines))
    if not means:
        return Measurement(None, f"is too small: {width}×{height} pixels are within one block")
    return Measurement(float(np.clip(np.mean(means), 0, HIGHEST)))


def _excess(lines: np.ndarray) -> float:
    """Return how much higher steps are on the grid than on the likeliest other grid; enlarged pictures have several."""
    import numpy as np

    apart = np.abs(np.diff(lines.astype(np.int16), axis=1))
    steps = apart[:, 1:-1] - (apart[:, :-2] + apart[:, 2:]) / np.float32(2)
    by_place = np.clip(steps, 0, HIGHEST).mean(axis=0)  # first the step behind the second column
    on_grid, *others = (by_place[(start - 2) % BLOCK :: BLOCK].mean() for start in range(BLOCK))
    return float(on_grid - max(others))
