"""What a picture shows, cut out of its background and brought to one size, so that features compare like with like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE = 64  # pixels of the cut-out
_LOOK = 96  # pixels of the longer side at which the background is looked for
CLEAR = 24  # alpha below which a pixel shows nothing
NEAR = 22  # steps of 255 by which a pixel may differ from the border's colour and still be background
_PLAIN = 0.75  # share of the border that must have one colour, or else the whole picture is what it shows


@dataclass(frozen=True, slots=True)
class CutOut:
    """``rgb`` (64, 64, 3) float32 in 0..1 on white, ``mask`` (64, 64) float32 in 0..1: how much is foreground.

    ``aspect`` is log2(width / height) of the cut-out; ``share`` how much of the picture it takes, 0..1.
    """

    rgb: np.ndarray
    mask: np.ndarray
    aspect: float
    share: float


def eight_bits(image: Image.Image) -> Image.Image:
    """Return ``image`` as RGB or RGBA; numbers (I, F) and 16-bit greys are stretched, NaN is black."""
    if image.mode in ("RGB", "RGBA"):
        return image
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        top = 65535.0 if image.mode.startswith("I") else 255.0
        if grey.size and (grey.max() > top or grey.min() < 0):
            grey, top = grey - grey.min(), float(np.ptp(grey)) or 1.0
        return Image.fromarray((grey * (255 / top)).astype(np.uint8), "L").convert("RGB")
    see_through = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if see_through else "RGB")


def cut_out(image: Image.Image, mask_of: Callable[[np.ndarray], np.ndarray] | None = None) -> CutOut:
    """Return what ``image`` (any mode, at least one pixel) shows, without margins, stretched to a square.

    ``mask_of`` says what that is: (height, width, 3 or 4) uint8, at most 96 pixels long, to (height, width) bool with
    at least one True. None: all but an even background that is joined to the border.
    """
    image = eight_bits(image)
    width, height = image.size
    scale = min(1.0, _LOOK / max(width, height))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    look = np.asarray(_resized(image, small))
    mask = (mask_of or _mask)(look)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    across, down = width / small[0], height / small[1]
    box = (columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down)
    square = np.asarray(_resized(image, (SIDE, SIDE), box), dtype=np.float32)
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    soft = Image.fromarray(part.astype(np.uint8) * 255).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    rgb = square[..., :3] / 255
    if square.shape[2] == 4:
        alpha = square[..., 3:] / 255
        rgb = rgb * alpha + (1 - alpha)
    aspect = float(np.log2((box[2] - box[0]) / (box[3] - box[1])))
    return CutOut(rgb, np.asarray(soft, dtype=np.float32) / 255, aspect, float(mask.mean()))


def _resized(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def _mask(look: np.ndarray) -> np.ndarray:
    """Return (height, width) bool: True where the picture is not background; never all False."""
    everything = np.ones(look.shape[:2], dtype=bool)
    if look.shape[2] == 4:
        visible = look[..., 3] >= CLEAR
        if not visible.any():
            return everything
        if not visible.all():
            return visible
    rgb = look[..., :3].astype(np.int16)
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    colour = np.median(border, axis=0)
    if (np.abs(border - colour).max(axis=1) <= NEAR).mean() < _PLAIN:
        return everything
    outside = _from_the_border(np.abs(rgb - colour).max(axis=2) <= NEAR)
    return everything if outside.all() else ~outside


def _from_the_border(alike: np.ndarray) -> np.ndarray:
    """Return the True pixels of ``alike`` that are joined to the border, but for those behind more than two bends."""
    reached = np.zeros_like(alike)
    reached[[0, -1]] = alike[[0, -1]]
    reached[:, [0, -1]] = alike[:, [0, -1]]
    height, width = alike.shape
    for _ in range(2):
        for row in range(1, height):
            reached[row] |= reached[row - 1] & alike[row]
        for row in range(height - 2, -1, -1):
            reached[row] |= reached[row + 1] & alike[row]
        for column in range(1, width):
            reached[:, column] |= reached[:, column - 1] & alike[:, column]
        for column in range(width - 2, -1, -1):
            reached[:, column] |= reached[:, column + 1] & alike[:, column]
    return reached
