"""Sharpness, exposure, contrast, blankness, border and JPEG artefacts: in the order in which anyone would put them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from tests.scorers import pictures as p

RANKED: dict[str, tuple[str, Callable[[Image.Image, float], Image.Image], Sequence[float]]] = {
    "less sharp the more it is blurred": ("sharpness", p.blurred, [8, 4, 2, 1, 0]),
    "more exposed the brighter it is": ("exposure", p.brighter, [0.1, 0.4, 0.7, 1.0, 1.3]),
    "more contrast the farther its levels are apart": ("contrast", p.flatter, [0.05, 0.3, 0.6, 1.0, 1.5]),
    "more border the wider its letterbox": ("border", p.letterboxed, [0, 0.05, 0.1, 0.3, 0.6]),
    "more artefacts the lower its JPEG quality": ("jpeg", p.jpeg, [95, 80, 60, 40, 20, 10, 5]),
}


def technical(image: Image.Image | bytes, measure: str) -> float:
    (found,) = p.measured("technical", p.subject(image))
    return p.value(found[measure])


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("rank", RANKED)
def test_a_picture_is(rank: str, seed: int) -> None:
    measure, change, amounts = RANKED[rank]
    values = [technical(change(p.landscape(seed), amount), measure) for amount in amounts]
    assert all(low < high for low, high in pairwise(values)), values


@pytest.mark.parametrize("image", [p.landscape(0, 256), p.blurred(p.landscape(1, 200), 3), p.sketch(256)])
def test_sharpness_is_what_the_blur_effect_of_scikit_image_leaves(image: Image.Image) -> None:
    from skimage.measure import blur_effect

    assert technical(image, "sharpness") == pytest.approx(1 - blur_effect(np.asarray(image.convert("L"))), abs=1e-5)


def test_a_clean_picture_has_no_blocks_and_no_border() -> None:
    for image in (p.landscape(0), p.landscape(1), p.sketch()):
        assert technical(image, "jpeg") == 0
        assert technical(image, "border") == 0


@pytest.mark.parametrize("times", [2, 4], ids=lambda n: f"{n} times")
def test_enlarging_a_picture_makes_no_blocks(times: int) -> None:
    image = p.landscape(1, 256)
    assert technical(image.resize((256 * times, 256 * times)), "jpeg") < 0.05


def test_a_line_that_lies_on_the_grid_of_blocks_counts_for_little() -> None:
    image = Image.new("RGB", (512, 512), "white")
    image.paste("black", (0, 0, 256, 512))
    assert technical(image, "jpeg") < 0.3


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_share_of_a_letterbox_is_measured(share: float) -> None:
    assert technical(p.letterboxed(p.landscape(1), share), "border") == pytest.approx(share, abs=0.015)
    coloured = p.jpeg_bytes(p.letterboxed(p.landscape(1), share, "navy"), 60)  # its colours run over the edge
    assert technical(coloured, "border") == pytest.approx(share, abs=0.025)


def test_a_frame_is_measured_and_each_of_its_bands_told() -> None:
    framed = Image.new("RGB", (500, 500), "ivory")
    framed.paste(p.landscape(2).resize((400, 300)), (50, 100))
    (found,) = p.measured("technical", p.subject(framed))
    assert found["border"].value == pytest.approx(1 - 0.8 * 0.6, abs=0.02)
    bands = {"top": 0.2, "bottom": 0.2, "left": 0.1, "right": 0.1}
    assert found["border"].details == pytest.approx(bands, abs=0.01)


def test_paper_around_a_drawing_a_sky_and_a_floor_are_no_border() -> None:
    scene = Image.new("RGB", (400, 400), "skyblue")
    scene.paste("olive", (0, 150, 400, 260))
    scene.paste("maroon", (0, 260, 400, 400))
    assert technical(scene, "border") == 0
    assert technical(p.sketch(), "border") == 0


def test_an_empty_picture_is_all_blank_and_says_why_it_is_not_sharp() -> None:
    (found,) = p.measured("technical", p.subject(p.EDGE_CASES["all white"]))
    assert found["blankness"].value == 1
    assert found["sharpness"].reason == "is blank: it has no edges"
    assert found["border"].reason == "is blank: all of it has one colour"
    assert (found["exposure"].value, found["contrast"].value, found["jpeg"].value) == (1, 0, 0)


def test_blankness_is_the_share_where_nothing_is() -> None:
    half = Image.new("RGB", (512, 512), "white")
    half.paste(p.landscape(1).resize((512, 256)), (0, 256))
    noise = p.noisy(Image.new("RGB", (512, 512), "grey"), 40)
    assert technical(noise, "blankness") == 0
    assert technical(half, "blankness") == pytest.approx(0.5, abs=0.15)  # parts of the hills are even, too
    assert technical(half, "blankness") < technical(p.sketch(), "blankness") < 1


def test_colours_of_equal_brightness_are_not_blank() -> None:
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (255, 0, 0), (0, 130, 0)
    assert technical(Image.fromarray(stripes).resize((256, 256)), "blankness") == 0


def test_what_is_white_and_what_is_black_for_good_is_told_with_the_exposure() -> None:
    image = Image.new("L", (100, 100), 128)
    image.paste(255, (0, 0, 100, 25))
    image.paste(0, (0, 90, 100, 100))
    (found,) = p.measured("technical", p.subject(image))
    assert found["exposure"].details == pytest.approx({"white": 0.25, "black": 0.1}, abs=0.01)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_the_size_of_a_picture_changes_little(side: int) -> None:
    image = p.letterboxed(p.landscape(1), 0.2)
    sized = image.resize((side, side), Image.Resampling.LANCZOS)
    expected, found = p.measured("technical", p.subject(image), p.subject(sized))
    for measure in ("sharpness", "exposure", "contrast", "blankness", "border"):
        assert found[measure].value == pytest.approx(expected[measure].value, abs=0.03), measure


def test_format_and_mode_change_nothing() -> None:
    grey = p.landscape(5).convert("L")
    webp = BytesIO()
    grey.convert("RGB").save(webp, "WEBP", lossless=True)
    bits = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    expected, *others = p.measured(
        "technical", *(p.subject(image) for image in (grey, webp.getvalue(), bits, grey.convert("RGBA")))
    )
    for found in others:
        for measure, measurement in expected.items():
            assert found[measure].value == pytest.approx(measurement.value, abs=0.005), measure


def test_transparency_lies_on_white() -> None:
    clear = p.sketch().convert("L").point(lambda level: 255 - level)
    ink = Image.new("RGBA", clear.size, "black")
    ink.putalpha(clear)
    on_paper = p.measured("technical", p.subject(p.sketch()))[0]
    see_through = p.measured("technical", p.subject(ink))[0]
    for name, measurement in on_paper.items():
        assert see_through[name].value == pytest.approx(measurement.value, abs=0.01), name


def test_a_picture_too_small_to_have_edges_or_blocks_says_so() -> None:
    (found,) = p.measured("technical", p.subject(p.EDGE_CASES["one pixel"]))
    assert found["sharpness"].reason == "is too narrow: 1×1 pixels of a copy of 256"
    assert found["jpeg"].reason == "is too small: 1×1 pixels are within one block"


@pytest.mark.parametrize("case", p.EDGE_CASES)
def test_every_number_is_in_its_range_or_has_a_reason(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = p.measured("technical", p.subject(p.EDGE_CASES[case]))
    p.check_honest(p.spec("technical"), found)


def test_without_its_libraries_a_scorer_is_not_made_and_says_what_to_install() -> None:
    """In an interpreter that finds no scipy, as after a plain installation."""
    code = (
        "import sys; sys.modules['scipy'] = None\n"
        "from imagegen_kit.registry import get_registry\n"
        "get_registry().scorer_target('technical')()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = "The scorer 'technical' needs the package 'scipy', which is not installed. "
    assert said + 'Run: pip install "imagegen-kit[metrics]"' in done.stderr
