"""Outlines of a figure as gradients by direction, also turned and cut a little, so that a lean is no other figure.

The histogram of gradients of ``retrieval.embedders.features`` is made of pixels in place; here the few pixels that have
a gradient are points, and a variation moves the points and turns their directions, which costs a third of a
millisecond and no second look at the picture.
"""

from __future__ import annotations

import numpy as np

from imagegen_kit.retrieval.embedders.features import ANGLES, CELLS, SHAPE_SIZE
from imagegen_kit.retrieval.embedders.foreground import SIDE, CutOut

VARIATIONS: tuple[tuple[float, int, float], ...] = (  # degrees; side (left, top, right, bottom) and share cut off it
    *((degrees, 0, 0.0) for degrees in (0, -6, 6, -12, 12)),
    *((0, side, 0.1) for side in range(4)),
)
_RIM = 2  # pixels around the cut-out: its outline is a shape too
_FAINT = 0.06  # length of a gradient, of at most 1 in each direction, below which a pixel is flat
_FLOOR = 0.5  # beside the squares of a cell's gradients: cells with next to nothing in them stay small
_MIRRORED = -np.arange(ANGLES) % ANGLES  # the first angle is along the rows


def outlines(shown: CutOut) -> np.ndarray:
    """Return (9, 576) float32: 8 × 8 cells of 9 directions for each of ``VARIATIONS``, the plain one first."""
    at, gradient, strength, inside = _points(shown)
    if not len(strength):
        return np.zeros((len(VARIATIONS), SHAPE_SIZE), dtype=np.float32)
    return np.stack([_cells(at, gradient, strength, inside, *how) for how in VARIATIONS])


def mirrored(cells: np.ndarray) -> np.ndarray:
    """Return (…, 576) cells as they would be of the mirror image."""
    apart = cells.reshape(*cells.shape[:-1], CELLS, CELLS, ANGLES)
    return np.asarray(apart[..., ::-1, :][..., _MIRRORED].reshape(cells.shape))


def _points(shown: CutOut) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return places and gradients (2, n) in true proportions, strengths (n,), and places (2, m) of the foreground."""
    mask = shown.mask[..., None]
    bands = np.concatenate([shown.rgb * mask + 1 - mask, 1 - mask], axis=2)  # the outline shows whatever the colour is
    bands = np.pad(bands, ((_RIM, _RIM), (_RIM, _RIM), (0, 0)), constant_values=1.0)
    x, y = np.zeros_like(bands), np.zeros_like(bands)
    x[:, 1:-1] = bands[:, 2:] - bands[:, :-2]
    y[1:-1] = bands[2:] - bands[:-2]
    strongest = (x**2 + y**2).argmax(axis=2)[..., None]
    x, y = np.take_along_axis(x, strongest, 2)[..., 0], np.take_along_axis(y, strongest, 2)[..., 0]
    strength = np.hypot(x, y)
    edge = strength > _FAINT
    sides = np.array([[2 ** (shown.aspect / 2)], [2 ** (-shown.aspect / 2)]], dtype=np.float32)  # half of each

    def placed(where: np.ndarray, length: int) -> np.ndarray:
        down, across = np.nonzero(where)
        return np.asarray((np.stack([across, down]).astype(np.float32) + 0.5) * (2 / length) - 1) * sides

    gradient = np.stack([x[edge], y[edge]]) / sides
    inside = placed(shown.mask > 0.5, SIDE)
    at = placed(edge, len(strength))
    return at, gradient, strength[edge], inside if inside.size else at


def _cells(
    at: np.ndarray,
    gradient: np.ndarray,
    strength: np.ndarray,
    inside: np.ndarray,
    degrees: float,
    side: int,
    cut: float,
) -> np.ndarray:
    """Return (576,) cells of the points, turned by ``degrees``, in the box that is left of the foreground."""
    if degrees:
        turn = np.deg2rad(degrees)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], dtype=np.float32)
        at, gradient, inside = turned @ at, turned @ gradient, turned @ inside
    low, high = inside.min(axis=1, keepdims=True), inside.max(axis=1, keepdims=True)
    lost = cut * (high - low)[side % 2]
    (low if side < 2 else high)[side % 2] += lost if side < 2 else -lost
    rim = np.maximum(high - low, 1e-3) * (_RIM / SIDE)
    low, span = low - rim, high - low + 2 * rim
    place = (at - low) / span * CELLS - 0.5
    # Directions as they look in the box, which is stretched to a square.
    angle = np.arctan2(gradient[1] * span[1], gradient[0] * span[0]) % np.pi * (ANGLES / np.pi)
    steps = np.arange(CELLS, dtype=np.float32)[:, None]
    across, down = (np.maximum(0, 1 - np.abs(axis - steps)) for axis in place)
    apart = np.abs(angle - np.arange(ANGLES, dtype=np.float32)[:, None])
    directions = np.maximum(0, 1 - np.minimum(apart, ANGLES - apart)) * strength
    where = (down[:, None] * across[None]).reshape(CELLS * CELLS, -1)
    cells = where @ directions.T
    cells /= np.sqrt((cells**2).sum(axis=1, keepdims=True) + _FLOOR)
    return np.asarray(cells.ravel(), dtype=np.float32)
