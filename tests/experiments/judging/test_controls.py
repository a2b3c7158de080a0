"""Pairs of known answer: edits that a judge must see, and edits that must not win it over."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from PIL import Image, ImageChops

from imagegen_kit.experiments.judging.controls import EDITS, FOOLING, TURNS, controls_of, loss
from imagegen_kit.experiments.judging.pixels import seen
from imagegen_kit.experiments.pairing import Contender
from tests.experiments.judging.bench import drawing, prompts


def contenders(count: int = 12) -> list[Contender]:
    return [Contender(n, f"m{n % 2}", ("p", n // 2), prompts(16)[n // 2], f"{n:064x}") for n in range(count)]


def picture(**look) -> Image.Image:
    return Image.open(io.BytesIO(drawing("red kettle", **look))).convert("RGB")


def test_the_kinds_take_turns():
    found = controls_of(contenders(), 8, 1, lambda _: 10.0)
    assert [one.kind for one in found] == list(TURNS)


def test_the_same_seed_gives_the_same_controls():
    one, again, other = (controls_of(contenders(), 6, seed, lambda _: 10.0) for seed in (1, 1, 2))
    assert one == again != other


def test_there_are_no_more_than_the_pictures_allow():
    found = controls_of(contenders(1), 100, 1, lambda _: 0.0)
    assert Counter(one.kind for one in found) == dict.fromkeys(FOOLING, 1)  # none to degrade, none unrelated
    assert controls_of(contenders(), 0, 1, lambda _: 10.0) == []


def test_those_are_degraded_that_lose_most():
    found = controls_of(contenders(), 8, 1, lambda one: float(one.request))
    assert [one.original.request for one in found if one.kind == "degraded"] == [11, 10]


def test_an_unrelated_picture_shares_no_order():
    for one in controls_of(contenders(), 16, 1, lambda _: 10.0):
        if one.kind == "unrelated":
            assert one.other is not None
            assert not set(one.original.prompt.split()[1:]) & set(one.other.prompt.split()[1:])


def test_orders_that_are_nearly_the_same_are_not_set_against_each_other():
    orders = [f"a {colour} car on a long road" for colour in ("red", "blue")]
    alike = [Contender(n, "m", ("p", n), order, f"{n:064x}") for n, order in enumerate(orders)]
    assert "unrelated" not in {one.kind for one in controls_of(alike, 12, 1, lambda _: 10.0)}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_changes_the_picture_and_keeps_its_size(kind):
    original = picture()
    edited = EDITS[kind](original)
    assert (edited.size, edited.mode) == (original.size, "RGB")
    assert ImageChops.difference(original, edited).getbbox() is not None


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (1024, 16)])
@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_of_any_size_is_possible(kind, size):
    assert EDITS[kind](Image.new("RGB", size, "teal")).size == size


def test_a_sharp_picture_loses_more_than_a_blurred_one():
    assert loss(picture()) > 3 * loss(picture(coarse=8))


def test_a_large_picture_is_shown_smaller_and_a_transparent_one_on_white():
    assert seen(Image.new("RGB", (4000, 1000))).size == (1024, 256)
    assert seen(Image.new("RGBA", (8, 8), (0, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)
    assert seen(picture()).size == picture().size
