"""What can be said of a picture without a learnt model: its colours, where they lie, and its shapes.

All three are the same for a picture and its mirror image, so that one query finds both. Where a part has a left and a
right, its sum with its mirror image and the size of its difference from it are kept; for shapes that finds more than
the plain order (openclipart, train half: P@10 .211 against .203).
"""

from __future__ import annotations

import numpy as np

from imagegen_kit.retrieval.embedders.foreground import SIDE, CutOut

HUES, SATURATIONS, VALUES = 12, 4, 6
PATCHES = 6  # of the colour layout, along each side
CELLS, ANGLES = 8, 9  # of the gradients; the first angle is along the rows, so that the mirror of k is -k
COLOUR_SIZE = HUES * SATURATIONS * VALUES
LAYOUT_SIZE = PATCHES * PATCHES * 3
SHAPE_SIZE = CELLS * CELLS * ANGLES
_RIM = 2  # white pixels around the cut-out: its outline is a shape too


def colours(shown: CutOut) -> np.ndarray:
    """Return (288,) float32: square roots of the shares of hue × saturation × value among the foreground."""
    hue, saturation, value = _hsv(shown.rgb)
    flat = np.zeros(COLOUR_SIZE)
    sides = (
        _two_bins(hue * HUES - 0.5, HUES, turns=True),
        _two_bins(saturation * SATURATIONS - 0.5, SATURATIONS),
        _two_bins(value * VALUES - 0.5, VALUES),
    )
    for hue_bin, hue_part in sides[0]:
        for saturation_bin, saturation_part in sides[1]:
            for value_bin, value_part in sides[2]:
                bins = (hue_bin * SATURATIONS + saturation_bin) * VALUES + value_bin
                weight = shown.mask * hue_part * saturation_part * value_part
                flat += np.bincount(bins.ravel(), weight.ravel(), COLOUR_SIZE)
    return np.asarray(np.sqrt(flat / max(flat.sum(), 1e-9)), dtype=np.float32)


def layout(shown: CutOut) -> np.ndarray:
    """Return (108,) float32: mean colours of 6 × 6 patches of the foreground on white."""
    mask = shown.mask[..., None]
    patches = np.einsum("ri,ijc,kj->rkc", _TO_PATCHES, shown.rgb * mask + 1 - mask, _TO_PATCHES, optimize=True)
    return _either_way_round(patches, patches[:, ::-1])


def shapes(shown: CutOut) -> np.ndarray:
    """Return (576,) float32: gradients by direction in 8 × 8 cells, each cell of about length 1."""
    rgb = np.pad(shown.rgb, ((_RIM, _RIM), (_RIM, _RIM), (0, 0)), constant_values=1.0)
    across, down = np.zeros_like(rgb), np.zeros_like(rgb)
    across[:, 1:-1] = rgb[:, 2:] - rgb[:, :-2]
    down[1:-1] = rgb[2:] - rgb[:-2]
    strongest = (across**2 + down**2).argmax(axis=2)[..., None]  # of red, green and blue
    x, y = np.take_along_axis(across, strongest, 2)[..., 0], np.take_along_axis(down, strongest, 2)[..., 0]
    size = np.hypot(x, y)
    angle = (np.arctan2(y, x) % np.pi) / np.pi * ANGLES
    low = np.floor(angle)
    part = angle - low
    first = low.astype(np.int64) % ANGLES
    planes = np.zeros((ANGLES, *size.shape), dtype=np.float32)
    np.put_along_axis(planes, first[None], (size * (1 - part))[None], 0)
    np.put_along_axis(planes, ((first + 1) % ANGLES)[None], (size * part)[None], 0)
    cells = (_TO_CELLS @ planes @ _TO_CELLS.T).transpose(1, 2, 0)
    cells /= np.sqrt((cells**2).sum(axis=2, keepdims=True) + 1e-3)
    mirrored = cells[:, ::-1][..., -np.arange(ANGLES) % ANGLES]
    return _either_way_round(cells, mirrored)


def _either_way_round(part: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Return a vector as long as ``part`` is large that is the same for both; lengths are kept."""
    half = part.shape[1] // 2
    both = np.concatenate([part + mirrored, np.abs(part - mirrored)], axis=0)[:, :half]
    return np.asarray(both.ravel() * np.float32(2**-0.5), dtype=np.float32)


def _hsv(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hue, saturation and value, (height, width) each, in 0..1."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    top = rgb.max(axis=2)
    spread = top - rgb.min(axis=2)
    over = np.where(spread == 0, 1, spread)
    sector = np.where(
        top == red,
        ((green - blue) / over) % 6,
        np.where(top == green, (blue - red) / over + 2, (red - green) / over + 4),
    )
    return sector / 6, spread / np.where(top == 0, 1, top), top


def _two_bins(place: np.ndarray, bins: int, turns: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the two bins that share each value and their parts; hues turn round, the others stop at the ends."""
    if not turns:
        place = np.clip(place, 0, bins - 1)
    low = np.floor(place)
    part = place - low
    first = low.astype(np.int64)
    second = (first + 1) % bins if turns else np.minimum(first + 1, bins - 1)
    return [(first % bins, 1 - part), (second, part)]


def _pooling(parts: int, length: int) -> np.ndarray:
    """Return (parts, length) float32: means over overlapping triangles, one row a part."""
    centres = (np.arange(parts) + 0.5) * length / parts - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(length) - centres[:, None]) / (length / parts))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


_TO_PATCHES = _pooling(PATCHES, SIDE)
_TO_CELLS = _pooling(CELLS, SIDE + 2 * _RIM)
