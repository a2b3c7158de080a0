"""Each check is told apart by drawn examples; these are also where the default limits come from."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.checks import CHECKS, run_checks
from imagegen_kit.engine.policy import Policy
from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.types import Check, ImageRequest, Size
from tests import corpus

NOISE = np.random.default_rng(1)
EXAMPLES = {
    "sketch": corpus.drawing(),
    "thin sketch": corpus.drawing(width=9),
    "thick sketch": corpus.drawing(width=40),
    "small sketch": corpus.drawing(side=400),
    "large sketch": corpus.drawing(side=2048),
    "hairlines": corpus.drawing(width=2),
    "hatched": corpus.drawing(hatching=600),
    "red ink": corpus.drawing(ink=(160, 20, 20)),
    "on sepia": corpus.drawing(paper=(245, 235, 215)),
    "white on black": corpus.drawing(ink=(230, 230, 230), paper=(20, 20, 20)),
    "photo": corpus.photo_like(),
    "grey photo": corpus.photo_like().convert("L"),
    "texture": Image.fromarray(NOISE.integers(0, 255, (128, 128), dtype=np.uint8)).resize((1024, 1024)),
    "gradient": Image.linear_gradient("L").resize((1024, 1024)),
    "white": Image.new("RGB", (512, 512), "white"),
    "clear": Image.new("RGBA", (512, 512), (0, 0, 0, 0)),
    "grain": Image.fromarray(NOISE.integers(248, 255, (512, 512, 3), dtype=np.uint8)),
}
SKETCHES = {"sketch", "thin sketch", "thick sketch", "small sketch", "large sketch"}
PASSES = {
    "not_blank": set(EXAMPLES) - {"white", "clear", "grain"},
    "greyscale": set(EXAMPLES) - {"red ink", "on sepia", "photo"},
    "outline": SKETCHES | {"hatched", "red ink", "on sepia", "texture"},
    "clean_background": SKETCHES | {"hairlines", "hatched", "red ink", "on sepia", "white", "clear", "grain"},
    "interior_detail": set(EXAMPLES) - {"hatched", "texture"},
}


def measured(image: Image.Image, name: str, limit: Any = None, **known: Any) -> Check:
    (check,) = run_checks(image, {name: limit}, **known)
    return check


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("name", PASSES)
def test_default_limits_tell_the_examples_apart(name: str, example: str) -> None:
    check = measured(EXAMPLES[example], name)
    assert check.passed is (example in PASSES[name]), check


@pytest.mark.parametrize("name", PASSES)
def test_no_example_lies_close_to_a_default_limit(name: str) -> None:
    """A limit that an example only just meets would be chance; all are at least a tenth away."""
    values = [measured(image, name).value for image in EXAMPLES.values()]
    for limit in (CHECKS[name].low, CHECKS[name].high):
        if limit is not None:
            assert all(isinstance(v, float) and not 0.9 * limit < v < 1.1 * limit for v in values), values


def test_paper_is_found_around_every_corner_and_not_inside_a_closed_line() -> None:
    spiral = np.full((96, 96, 3), 255, dtype=np.uint8)
    for turn in range(0, 40, 8):  # nested frames, each with a gap on the other side
        spiral[turn : turn + 2, turn : 96 - turn] = spiral[94 - turn : 96 - turn, turn : 96 - turn] = 0
        spiral[turn : 96 - turn, turn : turn + 2] = spiral[turn : 96 - turn, 94 - turn : 96 - turn] = 0
    spiral = np.pad(spiral, ((16, 16), (16, 16), (0, 0)), constant_values=255)
    closed = measured(Image.fromarray(spiral), "clean_background").value
    for number, turn in enumerate(range(0, 40, 8)):
        row = 16 + turn if number % 2 else 110 - turn
        spiral[row : row + 2, 60:68] = 255
    opened = measured(Image.fromarray(spiral), "clean_background").value
    assert closed == pytest.approx(1 - 96**2 / 128**2, abs=0.01)
    assert isinstance(opened, float)
    assert opened > 0.8


def cpu_seconds(run: Callable[[], object]) -> float:
    """Median processor time of seven runs."""
    seconds = []
    for _ in range(7):
        before = time.process_time()
        run()
        seconds.append(time.process_time() - before)
    return sorted(seconds)[3]


@pytest.mark.parametrize("name", PASSES)
def test_a_check_takes_less_time_than_decoding_the_picture(name: str) -> None:
    """Measured on a quiet machine: 1 to 5 ms a check, about 20 ms for the PNG."""
    data = corpus.encoded("png", corpus.photo_like())
    assert cpu_seconds(lambda: run_checks(EXAMPLES["hatched"], [name])) < cpu_seconds(lambda: open_sound(data))


def test_thicker_lines_measure_as_more_outline() -> None:
    values = [measured(corpus.drawing(width=width), "outline").value for width in (2, 9, 18, 40)]
    assert values == sorted(values)


@pytest.mark.parametrize("side", [300, 1024, 2000])
def test_the_numbers_do_not_depend_on_the_number_of_pixels(side: int) -> None:
    for name in ("outline", "clean_background"):
        reference, value = (measured(corpus.drawing(side=s), name).value for s in (1024, side))
        assert value == pytest.approx(reference, rel=0.2)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_saving_a_grey_picture_does_not_colour_it(format: str) -> None:
    data = corpus.encoded(format, corpus.drawing(ink=(30, 30, 30), paper=(250, 250, 250)))
    assert measured(open_sound(data), "greyscale").passed


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_check_measures_pictures_of_any_mode(mode: str) -> None:
    image = Image.new("I;16", (64, 64), 9000) if mode == "I;16" else corpus.textured(64, 64, mode)
    assert all(check.passed is not None for check in run_checks(image, list(PASSES)))


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_every_check_measures_pictures_of_any_size(width: int, height: int) -> None:
    for check in run_checks(corpus.textured(width, height), list(PASSES)):
        assert isinstance(check.value, float)


def request(size: Any) -> ImageRequest:
    return ImageRequest(prompt="p", model="m", size=Size.parse(size))


@pytest.mark.parametrize(
    ("asked", "got", "passed"),
    [
        ((1024, 768), (1024, 768), True),
        ((1024, 768), (1024, 760), False),
        ("16:9", (1344, 768), True),
        ("16:9", (1920, 1080), True),
        ("16:9", (1024, 1024), False),
        ("2K", (2048, 2048), True),
        ("2K", (2752, 1536), True),
        ("2K", (1024, 1024), False),
        (None, (5, 5), None),
    ],
)
def test_the_size_is_compared_with_what_was_asked(asked: Any, got: tuple[int, int], passed: bool | None) -> None:
    check = measured(Image.new("L", got), "size", request=request(asked))
    assert (check.passed, check.value) == (passed, f"{got[0]}x{got[1]}")


def test_a_limit_given_for_the_size_goes_before_the_request() -> None:
    check = measured(Image.new("L", (20, 10)), "size", [20, 10], request=request((5, 5)))
    assert check == Check("size", True, "20x10", "20x10")


def test_the_format_is_compared_by_content() -> None:
    image = EXAMPLES["white"]
    assert measured(image, "format", format="png") == Check("format", True, "png", "png, jpeg, webp")
    assert measured(image, "format", ["PNG", "jpg"], format="webp").passed is False
    assert measured(image, "format", {"is": ["png"]}, format="png").passed is True
    assert measured(image, "format").passed is None


def test_the_file_must_be_larger_than_ten_kilobytes_where_that_is_asked() -> None:
    image = EXAMPLES["white"]
    assert measured(image, "min_bytes", size_bytes=10_240).passed is False
    assert measured(image, "min_bytes", size_bytes=10_241).passed is True
    assert measured(image, "min_bytes", 100, size_bytes=200).passed is True
    assert measured(image, "min_bytes").passed is None


@pytest.mark.parametrize(
    ("size", "size_bytes", "passed"),
    [((1920, 1080), 10_240, False), ((1920, 1080), 10_241, True), ((192, 108), 102, False), ((192, 108), 103, True)],
)
def test_a_file_is_judged_by_its_area(size: tuple[int, int], size_bytes: int, passed: bool) -> None:
    assert measured(Image.new("L", size), "bytes_per_megapixel", size_bytes=size_bytes).passed is passed


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, "≤ 5"),
        ([None, 5], "≤ 5"),
        ({"max": 5}, "≤ 5"),
        ([1, 5], "1 … 5"),
        ({"min": 1, "max": 5}, "1 … 5"),
        ({"min": 1}, "≥ 1"),
        (None, "≤ 16"),
        (True, "≤ 16"),
        ({}, "≤ 16"),
    ],
)
def test_limits_may_be_written_in_several_ways(given: Any, text: str) -> None:
    assert measured(EXAMPLES["white"], "greyscale", given).limit == text


def test_one_number_is_the_lowest_where_a_check_wants_much() -> None:
    assert measured(EXAMPLES["sketch"], "not_blank", 20).limit == "≥ 20"


def test_checks_come_back_in_the_order_asked_and_false_leaves_one_out() -> None:
    asked = {"outline": None, "greyscale": False, "not_blank": None}
    assert [check.name for check in run_checks(EXAMPLES["sketch"], asked)] == ["outline", "not_blank"]
    assert [check.name for check in run_checks(EXAMPLES["sketch"], "outline")] == ["outline"]


def test_an_unknown_check_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'greyscale'"):
        run_checks(EXAMPLES["white"], ["grayscale"])


def test_all_faults_of_the_limits_are_told_together() -> None:
    asked = {"grayscale": 3, "outline": 0.2, "not_blank": "much", "size": "big", "interior_detail": [2, 1]}
    with pytest.raises(InvalidInput) as caught:
        run_checks(EXAMPLES["white"], asked)
    assert [fault.where for fault in caught.value.faults] == [
        "check",
        "outline",
        "not_blank",
        "size",
        "interior_detail",
    ]


def test_every_check_says_what_it_is_about() -> None:
    assert all(check.about.endswith(".") and CHECKS[check.name] is check for check in CHECKS.values())
    assert set(CHECKS) == set(PASSES) | {"format", "size", "min_bytes", "bytes_per_megapixel"}


def test_limits_of_a_scorer_that_a_style_holds_are_not_measured_here() -> None:
    asked = {"outline": None, "sketch": {"detail": 20}}
    assert [check.name for check in run_checks(EXAMPLES["sketch"], asked)] == ["outline"]
    with pytest.raises(UnknownName, match="no check is called 'sketch'"):
        run_checks(EXAMPLES["sketch"], ["sketch"])


def test_a_policy_cannot_demand_what_is_only_scored() -> None:
    with pytest.raises(InvalidInput, match="no picture is held to its limits when it is made"):
        Policy(checks={"sketch": {"detail": 20}})
