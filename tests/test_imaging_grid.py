"""``split_and_trim``: every cell is found, none is cut, nothing of the gutter stays; what is no grid is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.grid import split_and_trim
from tests.grids import content, draw

ALLOWED = 0.01  # of a cell's side, at each side of it
WHITE, BLACK, TEAL = (255, 255, 255), (0, 0, 0), (12, 140, 131)
KINDS = st.lists(st.sampled_from(["photo", "photo", "gradient", "noise"]), min_size=4, max_size=4)
GAPS = st.integers(3, 20).map(lambda gap: [gap])
COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
SHAPES = {
    "uneven cells": {"row_gaps": [12], "col_gaps": [7], "row_shares": [0.9, 1.1], "col_shares": [1.12, 0.9]},
    "a coloured gutter": {"ground": TEAL, "row_gaps": [14], "col_gaps": [9], "border": (10, 12, 9, 15)},
    "a border on two sides": {"row_gaps": [10], "col_gaps": [10], "border": (24, 0, 24, 0)},
    "frames of their own": {"row_gaps": [16], "col_gaps": [16], "border": (9, 9, 9, 9), "frame": 5},
    "a hairline": {"row_gaps": [2], "col_gaps": [2]},
    "no gutter": {},
    "black gutters": {"ground": BLACK, "row_gaps": [10], "col_gaps": [22], "border": (6, 6, 6, 6)},
    "JPEG": {"row_gaps": [11], "col_gaps": [11], "border": (8, 8, 8, 8), "quality": 80},
}


def assert_right(grid, cells):
    assert len(cells) == len(grid.boxes)
    for cell, (left, top, right, bottom), drawn in zip(cells, grid.boxes, grid.cells, strict=True):
        wide, high = right - left, bottom - top
        assert abs(cell.width - wide) <= 2 * ALLOWED * wide + 2, (cell.size, (wide, high))
        assert abs(cell.height - high) <= 2 * ALLOWED * high + 2, (cell.size, (wide, high))
        assert off_by(cell, drawn) <= 2, "it is another part of the picture"


def off_by(cell, drawn):
    """Return how many pixels a cell lies from where it was drawn: the best of all places near to that."""
    inner = np.asarray(cell, np.float32)[8:-8:3, 8:-8:3]
    whole = np.asarray(drawn.convert("RGB"), np.float32)
    best = {}
    for y in range(-5, 6):
        for x in range(-5, 6):
            part = whole[max(0, 8 + y) :: 3, max(0, 8 + x) :: 3][: inner.shape[0], : inner.shape[1]]
            best[abs(np.asarray(inner[: part.shape[0], : part.shape[1]]) - part).mean()] = max(abs(x), abs(y))
    return best[min(best)]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_grids_of_every_shape(shape):
    grid = draw(size=(420, 400), kinds=("photo", "gradient", "photo", "noise"), seed=4, **shape)
    assert_right(grid, split_and_trim(grid.image))


@given(kinds=KINDS, seed=st.integers(0, 2000), ground=COLOURS, rows=GAPS, columns=GAPS, border=st.integers(0, 16),
       shares=st.tuples(st.floats(0.87, 1.13), st.floats(0.87, 1.13)))  # fmt: skip
@example(kinds=["photo"] * 4, seed=185, ground=(25, 164, 55), rows=[3], columns=[3], border=11, shares=(1.0, 1.0))
@settings(max_examples=6)
def test_cells_with_gutters_are_found_whole(kinds, seed, ground, rows, columns, border, shares):
    grid = draw(
        size=(360, 360), kinds=kinds, seed=seed, ground=ground, row_gaps=rows, col_gaps=columns, border=(border,) * 4,
        row_shares=[shares[0], 1], col_shares=[1, shares[1]],
    )  # fmt: skip
    if all(apart_from(cell, ground) for cell in grid.cells):  # a gutter that looks like what is beside it is none
        assert_right(grid, split_and_trim(grid.image))


def apart_from(cell, ground):
    """Whether most of each edge of a cell differs from the ground that it lies on."""
    pixels = np.asarray(cell).astype(int)
    sides = (pixels[:4], pixels[-4:], pixels[:, :4], pixels[:, -4:])
    return all((abs(side - ground).max(axis=-1) > 40).mean() > 0.6 for side in sides)


@given(kinds=KINDS, seed=st.integers(0, 2000))
@settings(max_examples=6)
def test_cells_without_gutters_are_cut_evenly(kinds, seed):
    grid = draw(size=(360, 360), kinds=kinds, seed=seed)
    cells = None
    with contextlib.suppress(InvalidInput):  # four pictures may meet without a seam: then nothing is guessed
        cells = split_and_trim(grid.image)
    assume(cells is not None)
    assert_right(grid, cells)


@given(seed=st.integers(0, 2000), radius=st.floats(0.02, 0.1), ground=st.sampled_from([WHITE, BLACK, TEAL]))
@example(seed=273, radius=0.0625, ground=TEAL)  # a cell that has some of that colour by itself
@settings(max_examples=6)
def test_round_corners_are_filled(seed, radius, ground):
    def share_of_ground(cell):
        return (abs(np.asarray(cell.convert("RGB")).astype(int) - ground).max(axis=-1) < 12).mean()

    grid = draw(
        size=(360, 360), kinds=["noise"], seed=seed, ground=ground, row_gaps=[12], col_gaps=[12], border=(9,) * 4,
        radius=radius,
    )  # fmt: skip
    for cell, (left, top, right, bottom), drawn in zip(split_and_trim(grid.image), grid.boxes, grid.cells, strict=True):
        assert abs(cell.width - (right - left)) <= 4
        assert abs(cell.height - (bottom - top)) <= 4
        assert share_of_ground(cell) <= share_of_ground(drawn) + ALLOWED


def test_other_numbers_of_cells():
    grid = draw(size=(480, 330), rows=2, cols=3, kinds=["noise", "photo"], row_gaps=[8], col_gaps=[8, 8])
    assert_right(grid, split_and_trim(grid.image, rows=2, cols=3))


def test_a_transparent_grid_lies_on_white():
    grid = draw(size=(360, 360), kinds=["noise"], row_gaps=[10], col_gaps=[10], border=(6,) * 4)
    clear = grid.image.convert("RGBA")
    clear.putalpha(Image.fromarray((np.asarray(grid.image).min(axis=-1) < 255).astype(np.uint8) * 255))
    assert_right(grid, split_and_trim(clear))


@pytest.mark.parametrize("kind", ["photo", "gradient", "noise"])
@pytest.mark.parametrize("seed", [3, 40, 77])
def test_one_picture_is_no_grid(kind, seed):
    with pytest.raises(InvalidInput, match=r"no grid of 2 × 2 pictures.*even=True"):
        split_and_trim(content(kind, seed, 320, 320))


def test_two_pictures_are_no_grid_of_four():
    grid = draw(size=(360, 360), rows=1, cols=2, kinds=["noise"], col_gaps=[10])
    with pytest.raises(InvalidInput, match="no line between rows"):
        split_and_trim(grid.image)


def test_what_is_no_grid_can_be_cut_evenly_all_the_same():
    cells = split_and_trim(content("photo", 3, 321, 320), even=True)
    assert [cell.size for cell in cells] == [(160, 160), (161, 160), (160, 160), (161, 160)]


def test_every_fault_is_said():
    with pytest.raises(InvalidInput) as caught:
        split_and_trim(content("photo", 3, 320, 320), rows=0, cols=13)
    assert [f.where for f in caught.value.faults] == ["rows", "cols"]


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(InvalidInput, match="too small for 2 × 2 cells"):
        split_and_trim(Image.new("RGB", (40, 40)))
