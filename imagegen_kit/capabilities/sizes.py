"""The nearest size that a model makes to the one that was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_kit.types import RESOLUTIONS, Size, ratio_value

if TYPE_CHECKING:
    from imagegen_kit.capabilities.model import Capabilities


def alike(asked: Size, sent: Size, side: int) -> bool:
    """Whether two sizes are near enough to compare pictures: 3 % in shape; a quarter in area, where one was asked."""
    (width, height), (w, h) = asked.pixels(side), sent.pixels(side)
    shape, area = w * height / (h * width), w * h / (width * height)
    asks_area = bool(asked.width or asked.resolution)
    return (asked.aspect is None or 1 / 1.03 <= shape <= 1.03) and (not asks_area or 1 / 1.25 <= area <= 1.25)


def fit_size(asked: Size, can: Capabilities) -> Size:
    """Return the nearest size that the model makes: the nearest ratio first, then the nearest area.

    A model with ``resolutions``, or with ``ratios`` and no limit in pixels, takes sizes in words only.
    """
    if can.resolutions or (can.ratios and not can.sizes and can.max_side is None):
        return _in_words(asked, can)
    if can.ratios and asked.aspect is not None:
        aspect = asked.aspect
        ratio = min(can.ratios, key=lambda r: max(ratio_value(r) / aspect, aspect / ratio_value(r)))
        if max(ratio_value(ratio) / aspect, aspect / ratio_value(ratio)) > 1.02:
            if asked.width and asked.height:
                side = max(asked.width, asked.height)
                factor = ratio_value(ratio)
                asked = Size(side, round(side / factor)) if factor >= 1 else Size(round(side * factor), side)
            else:
                asked = replace(asked, ratio=ratio)
    if can.sizes:
        width, height = asked.pixels(can.default_side)
        best = min(
            can.sizes,
            key=lambda s: (
                round(max(s[0] / s[1] * height / width, width / height * s[1] / s[0]), 2),
                abs(s[0] - width),
            ),
        )
        return asked if (width, height) == best else Size(*best)
    if can.min_pixels or can.max_pixels or can.max_aspect:
        return _within_area(asked, can)
    if can.max_side and max(asked.pixels(can.default_side)) > can.max_side:
        asked = Size(*asked.pixels(can.default_side))
    if asked.width and asked.height:
        width, height = asked.width, asked.height
        if can.max_side and max(width, height) > can.max_side:
            scale = can.max_side / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        if can.multiple_of > 1:
            step = can.multiple_of
            width, height = max(step, round(width / step) * step), max(step, round(height / step) * step)
        return Size(width, height)
    return asked


def _in_words(asked: Size, can: Capabilities) -> Size:
    """Return a size as a ratio and a resolution word of the model."""
    ratio, resolution = asked.ratio, asked.resolution
    if asked.aspect is not None:
        aspect = asked.aspect
        off = {r: max(ratio_value(r) / aspect, aspect / ratio_value(r)) for r in can.ratios}
        ratio = min(off, key=off.__getitem__, default=asked.ratio)
    if asked.width and asked.height:
        side = (asked.width * asked.height) ** 0.5
    elif resolution:
        side = RESOLUTIONS[resolution]
    else:
        return Size(ratio=ratio)
    nearest = min(can.resolutions, key=lambda w: max(RESOLUTIONS[w] / side, side / RESOLUTIONS[w]), default=None)
    return Size(ratio=ratio, resolution=nearest)


def _within_area(asked: Size, can: Capabilities) -> Size:
    """Return the nearest exact size within limits of area, aspect, side and step: for models that take any size."""
    width, height = map(float, asked.pixels(can.default_side))
    if can.max_aspect:
        width, height = min(width, height * can.max_aspect), min(height, width * can.max_aspect)
    if can.max_side and max(width, height) > can.max_side:
        scale = can.max_side / max(width, height)
        width, height = width * scale, height * scale
    for limit, too_much in ((can.max_pixels, True), (can.min_pixels, False)):
        if limit and (width * height > limit) is too_much and width * height != limit:
            scale = (limit / (width * height)) ** 0.5
            width, height = width * scale, height * scale
    step = can.multiple_of
    best = min(
        ((w, h) for w in _steps(width, step) for h in _steps(height, step) if _allowed(w, h, can)),
        key=lambda s: abs(s[0] / width - 1) + abs(s[1] / height - 1) + abs(s[0] / s[1] * height / width - 1),
        default=(round(width / step) * step, round(height / step) * step),
    )
    return asked if best == asked.pixels(can.default_side) else Size(*best)


def _steps(side: float, step: int) -> list[int]:
    down = int(side // step) * step
    return [s for s in range(down - step, down + 3 * step, step) if s > 0]


def _allowed(width: int, height: int, can: Capabilities) -> bool:
    return (
        (not can.max_side or max(width, height) <= can.max_side)
        and (not can.max_pixels or width * height <= can.max_pixels)
        and (not can.min_pixels or width * height >= can.min_pixels)
        and (not can.max_aspect or max(width, height) / min(width, height) <= can.max_aspect)
    )
