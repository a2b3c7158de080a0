"""Grids of pictures drawn for tests, with the places of their cells known to the pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PICTURES = sorted((Path(__file__).parents[1] / "data/references/pictures").glob("*"))
Box = tuple[int, int, int, int]


@cache
def opened(number):
    """Return one of the shipped references, cut out."""
    return Image.open(PICTURES[number % len(PICTURES)]).convert("RGBA")


def photo(number, width, height):
    """Return a picture of the shipped references before a wall with light on it, as portraits are taken."""
    wall, motif = gradient(number, width, height), opened(number)
    motif = motif.resize((max(1, round(width * 0.9)), max(1, round(motif.height * width * 0.9 / motif.width))))
    wall.paste(motif, (round(width * 0.05), max(0, height - motif.height)), motif)
    return wall


def gradient(seed, width, height):
    """Return a smooth gradient between four colours, as of a sky or of a studio's wall."""
    corners = np.random.default_rng(seed).integers(0, 255, (2, 2, 3)).astype(np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def noise(seed, width, height, grain=8):
    """Return cloudy noise about a colour of its own."""
    rng = np.random.default_rng(seed)
    small = rng.normal(rng.integers(40, 215, 3), 28, (max(2, height // grain), max(2, width // grain), 3))
    return Image.fromarray(np.clip(small, 0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


def content(kind, seed, width, height):
    """Return a picture of ``kind`` (photo, gradient, noise) that fills (width, height)."""
    return {"photo": photo, "gradient": gradient, "noise": noise}[kind](seed, width, height)


@dataclass(frozen=True)
class Grid:
    """A drawn grid, the box of each cell in it, row by row, and what was drawn there."""

    image: Image.Image
    boxes: tuple[Box, ...]
    cells: tuple[Image.Image, ...]
    ground: tuple[int, int, int]


def edges(length, count, gaps, shares, border):
    """Return (start, stop) of each cell along one side: gaps between them, their shares of the rest, a border."""
    room = length - sum(gaps) - border[0] - border[1]
    total, at, found = sum(shares), float(border[0]), []
    for number in range(count):
        stop = at + room * shares[number] / total
        found.append((round(at), round(stop)))
        at = stop + (gaps[number] if number < count - 1 else 0)
    return found


def draw(
    *, size=(640, 640), rows=2, cols=2, kinds=("photo",), seed=0, ground=(255, 255, 255), row_gaps=None, col_gaps=None,
    row_shares=None, col_shares=None, border=(0, 0, 0, 0), radius=0.0, frame=0, frame_colour=(0, 0, 0), quality=None,
):  # fmt: skip
    """Draw a grid; ``border`` is left, top, right, bottom, ``radius`` a share of the cell's shorter side."""
    across = edges(size[0], cols, col_gaps or [0] * (cols - 1), col_shares or [1] * cols, (border[0], border[2]))
    down = edges(size[1], rows, row_gaps or [0] * (rows - 1), row_shares or [1] * rows, (border[1], border[3]))
    image, boxes, cells = Image.new("RGB", size, ground), [], []
    for row, (top, bottom) in enumerate(down):
        for column, (left, right) in enumerate(across):
            number = row * cols + column
            wide, high = right - left, bottom - top
            outer = content(kinds[number % len(kinds)], seed * 101 + number * 7, wide, high)
            if frame:
                ImageDraw.Draw(outer).rectangle((0, 0, wide - 1, high - 1), outline=frame_colour, width=frame)
            mask = Image.new("L", (wide * 4, high * 4), 0)
            reach = round(radius * min(wide, high) * 4)
            ImageDraw.Draw(mask).rounded_rectangle((0, 0, wide * 4 - 1, high * 4 - 1), reach, fill=255)
            image.paste(outer, (left, top), mask.reduce(4))
            boxes.append((left + frame, top + frame, right - frame, bottom - frame))
            cells.append(outer.crop((frame, frame, wide - frame, high - frame)))
    if quality is not None:
        from io import BytesIO

        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        image = Image.open(file).convert("RGB")
    return Grid(image, tuple(boxes), tuple(cells), ground)
