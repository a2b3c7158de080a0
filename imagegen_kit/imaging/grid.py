"""``split_and_trim``: the cells of a picture that holds a grid of pictures, without gutters, borders and frames."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.corners import filled_corners
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.lines import SOFT, TOLERANCE, apart, bands, rim, sampled, seam, soft_edge
from imagegen_kit.imaging.picture import open_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imagegen_kit.imaging.lines import Band, Colour

    Pixels = NDArray[np.uint8]

MAX_CELLS = 12  # a side
SMALLEST = 24  # pixels of a cell's side
OFF = 0.25  # how far a gutter may be from where an even grid has it, in cells
SEAM_OFF = 0.015  # the same of a seam without a gutter, of the picture's side
HAIR = 0.004  # of a cell's side: taken off beside a seam, where a hairline or a blend of both may be
LEFT_OVER = 0.08  # of a cell's side: what may be left of a gutter where its neighbour is larger
CORNER = 0.15  # of a side: how much of its ends is not looked at, for corners may be round


class _Cut(NamedTuple):
    """A cell ends at ``end`` and the next begins at ``begin``; ``colour`` is the gutter's, None where there is none."""

    end: int
    begin: int
    colour: Colour | None


class _Box(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int


def split_and_trim(picture: object, rows: int = 2, cols: int = 2, *, even: bool = False) -> list[Image.Image]:
    """Return the ``rows`` × ``cols`` pictures that ``picture`` holds, row by row, without gutters, borders and frames.

    ``picture`` is a Picture, path, bytes, PIL image or uint8 array; transparent ones are laid on white. Gutters may be
    of any one colour, uneven, or missing; where cells are round at their corners these are filled with what is beside
    them. ``even`` cuts without looking, into equal parts. Raises InvalidInput where the picture is no such grid.
    """
    faults = [
        Fault(name, f"{value!r} is not a whole number from 1 to {MAX_CELLS}.")
        for name, value in (("rows", rows), ("cols", cols))
        if type(value) is not int or not 1 <= value <= MAX_CELLS
    ]
    if faults:
        raise InvalidInput(faults)
    image = flatten(open_picture(picture, where="grid").image)
    if image.width < cols * SMALLEST or image.height < rows * SMALLEST:
        what = f"it is {image.width}×{image.height} pixels, too small for {rows} × {cols} cells."
        raise InvalidInput([Fault("grid", what, f"A cell has {SMALLEST} pixels a side at least.")])
    if even:
        return _cut(image, _even(image.height, rows), _even(image.width, cols))
    pixels = np.asarray(image)
    outer, colours = _without_border(pixels)
    inner = pixels[outer.top : outer.bottom, outer.left : outer.right]
    across, down = _cuts(inner, rows), _cuts(inner.transpose(1, 0, 2), cols)
    missing = [name for name, found in (("rows", across), ("columns", down)) if found is None]
    if across is None or down is None:
        what = f"it is no grid of {rows} × {cols} pictures: no line between {' and '.join(missing)} can be seen."
        raise InvalidInput([Fault("grid", what, "Ask for it again, or cut it into equal parts with even=True.")])
    colours += [cut.colour for cut in (*across, *down) if cut.colour is not None]
    cells = []
    for top, bottom in _spans(across, len(inner)):
        for left, right in _spans(down, inner.shape[1]):
            cells.append(_cleaned(inner[top:bottom, left:right], colours))
    return cells


def _even(length: int, count: int) -> list[int]:
    return [round(length * k / count) for k in range(count + 1)]


def _cut(image: Image.Image, across: list[int], down: list[int]) -> list[Image.Image]:
    return [
        image.crop((left, top, right, bottom)) for top, bottom in pairwise(across) for left, right in pairwise(down)
    ]


def _spans(cuts: list[_Cut], length: int) -> list[tuple[int, int]]:
    return list(zip([0, *(cut.begin for cut in cuts)], [*(cut.end for cut in cuts), length], strict=True))


def _rims(pixels: Pixels, colour: Colour | None, most: float, corner: float) -> list[Band | None]:
    """Return the bands at the left, top, right and bottom side; ``corner`` of each side's ends is not looked at."""
    high, wide = (round(length * corner) for length in pixels.shape[:2])
    rows = pixels[:, wide : pixels.shape[1] - wide]
    columns = pixels[high : len(pixels) - high].transpose(1, 0, 2)
    sides = (columns, rows, columns[::-1], rows[::-1])
    return [rim(sampled(side), colour, most) for side in sides]


def _inside(pixels: Pixels, rims: list[Band | None]) -> _Box:
    left, top, right, bottom = (0 if band is None else band.stop for band in rims)
    return _Box(left, top, pixels.shape[1] - right, len(pixels) - bottom)


def _alike(one: Band | None, other: Band | None) -> bool:
    return one is not None and other is not None and bool(apart(one.colour, other.colour) <= TOLERANCE)


def _without_border(pixels: Pixels) -> tuple[_Box, list[Colour]]:
    """Return the box inside all borders around the whole, and their colours; a border has two opposite sides."""
    box, colours = _Box(0, 0, pixels.shape[1], len(pixels)), []
    for _ in range(3):
        part = pixels[box.top : box.bottom, box.left : box.right]
        rims = _rims(part, None, CORNER, 0.0)
        pairs = [_alike(rims[side], rims[side + 2]) for side in (0, 1)]
        kept = [band if pairs[side % 2] else None for side, band in enumerate(rims)]
        if not any(pairs):
            break
        colours += [band.colour for band in kept if band is not None][:1]
        within = _inside(part, kept)
        box = _Box(box.left + within.left, box.top + within.top, box.left + within.right, box.top + within.bottom)
    return box, colours


def _cuts(pixels: Pixels, count: int) -> list[_Cut] | None:
    """Return the ``count`` - 1 cuts between lines, or None where one of them cannot be found."""
    if count == 1:
        return []
    lines, length = sampled(pixels), len(pixels)
    found = [band for band in bands(lines) if band.start > 0 and band.stop < length]
    cuts = []
    for number in range(1, count):
        expected = length * number / count
        near = [band for band in found if abs(band.middle - expected) <= OFF * length / count]
        near = [band for band in near if band.stop - band.start <= OFF * length / count]
        if near:
            band = min(near, key=lambda one: abs(one.middle - expected) - (one.stop - one.start))
            end = band.start - soft_edge(lines, band.start - 1, -1, band.colour)
            cuts.append(_Cut(end, band.stop + soft_edge(lines, band.stop, 1, band.colour), band.colour))
            continue
        at = seam(lines, round(expected), max(2, round(SEAM_OFF * length)))
        if at is None:
            return None
        hair = max(1, round(HAIR * length / count))
        cuts.append(_Cut(at - hair, at + hair, None))
    return cuts


def _cleaned(pixels: Pixels, colours: list[Colour]) -> Image.Image:
    """Return a cell without what is left of the gutter around it, a frame of its own, and round corners."""
    for colour in colours:  # a cell that is smaller than its neighbours has more of the gutter
        box = _inside(pixels, _rims(pixels, colour, LEFT_OVER, CORNER))
        pixels = pixels[box.top : box.bottom, box.left : box.right]
    thick = 0
    frame = _rims(pixels, None, 0.06, CORNER)
    if all(_alike(frame[0], side) for side in frame):
        box = _inside(pixels, frame)
        thick = max(band.stop for band in frame if band is not None)
        pixels = pixels[box.top : box.bottom, box.left : box.right]
    return Image.fromarray(filled_corners(pixels, colours, thick + SOFT if thick else 2))
