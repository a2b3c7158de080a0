"""Thumbnails, placeholders and contact sheets."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.encode import encode
from imagegen_kit.imaging.lettering import font, legible, wrap
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.placeholder import placeholder
from imagegen_kit.imaging.sheet import contact_sheet
from imagegen_kit.imaging.thumbnail import thumbnail
from tests import corpus


def cpu_ms(run: object, times: int = 15) -> float:
    seconds = []
    for _ in range(times):
        before = time.process_time()
        run()  # type: ignore[operator]
        seconds.append(time.process_time() - before)
    return sorted(seconds)[times // 2] * 1000


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), (256, 256)),
        ((1920, 1080), (256, 144)),
        ((300, 900), (85, 256)),
        ((20, 10), (20, 10)),
        ((4000, 3), (256, 1)),
    ],
)
def test_a_thumbnail_fits_and_keeps_the_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    small = open_sound(thumbnail(Image.new("RGB", size)))
    assert (small.format, small.size) == ("WEBP", expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_a_thumbnail_of_any_mode_shows_the_same_shade(mode: str) -> None:
    image = Image.new("RGB", (600, 400), "white").convert("I" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.point(lambda value: value * 257).convert("I;16")
    small = open_sound(thumbnail(image)).convert("RGB")
    assert all(channel > 245 for channel in small.getpixel((10, 10)))


def test_a_thumbnail_keeps_transparency() -> None:
    image = Image.new("RGBA", (600, 400), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 300, 400))
    small = open_sound(thumbnail(image))
    assert small.getpixel((10, 10))[3] == 255
    assert small.getpixel((240, 10))[3] == 0


def test_a_thumbnail_costs_a_fraction_of_decoding_its_picture() -> None:
    image = corpus.photo_like()
    data = corpus.encoded("png", image)
    assert cpu_ms(lambda: thumbnail(image)) < cpu_ms(lambda: open_sound(data)) / 2


def test_a_thumbnail_does_not_touch_its_picture() -> None:
    image = corpus.textured(300, 300)
    before = image.tobytes()
    thumbnail(image)
    assert image.tobytes() == before


def test_sixteen_bit_shades_are_scaled_not_clipped() -> None:
    image = Image.new("I;16", (4, 4), 32_896)
    assert open_sound(encode(image, "jpeg")).convert("RGB").getpixel((1, 1)) == (128, 128, 128)


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (300, 17), (64, 64), (512, 512), (1920, 1080), (1, 1)])
def test_a_placeholder_has_the_size_it_stands_for(size: tuple[int, int]) -> None:
    data = placeholder(*size, reason="The service could not be reached.", model="a/b", prompt="猫 " * 100)
    assert open_sound(data).size == size


@given(st.integers(1, 400), st.integers(1, 400), st.text(max_size=80), st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_a_placeholder_can_be_drawn_for_any_size_and_words(width: int, height: int, reason: str, prompt: str) -> None:
    assert open_sound(placeholder(width, height, reason=reason, prompt=prompt)).size == (width, height)


def test_a_placeholder_says_why_and_is_grey() -> None:
    one = open_sound(placeholder(512, 512, reason="RateLimited"))
    other = open_sound(placeholder(512, 512, reason="Timeout"))
    assert one.tobytes() != other.tobytes()
    assert all(high - low <= 10 for low, high in [(min(p), max(p)) for _, p in one.getcolors(100_000)])
    assert placeholder(512, 512, reason="RateLimited") == placeholder(512, 512, reason="RateLimited")


def test_letters_that_the_font_lacks_are_replaced_readably() -> None:
    assert legible("Größe 3×4 – déjà vu 猫猫 “ok”…") == "Grosse 3x4 - deja vu ? “ok”..."


@given(st.text(max_size=300), st.integers(20, 400), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_wrapped_lines_fit(text: str, width: int, most: int) -> None:
    face = font(13)
    lines = wrap(text, face, width, most)
    assert len(lines) <= most
    assert all(face.getlength(line) <= width for line in lines)


def test_a_text_that_is_cut_off_ends_in_dots_and_a_short_one_is_whole() -> None:
    assert wrap("one two three", font(13), 400, 1) == ["one two three"]
    assert wrap("one two three " * 20, font(13), 100, 2)[-1].endswith("…")
    assert "".join(wrap("x" * 60, font(13), 100, 20)) == "x" * 60


def test_a_sheet_shows_all_pictures_in_rows(tmp_path: object) -> None:
    red = Picture.from_image(Image.new("RGB", (300, 200), "red"))
    sheet = contact_sheet(
        [(red, "one"), (Image.new("RGBA", (9, 9), "blue"), ""), (red, "x " * 300)], columns=2, cell=100
    )
    colours = dict((c, n) for n, c in sheet.getcolors(100_000))
    assert sheet.width == 2 * 100 + 3 * 12
    assert colours[(255, 0, 0)] == 2 * 100 * 67
    assert colours[(0, 0, 255)] == 81


def test_a_sheet_is_about_square_unless_told_otherwise_and_has_a_title() -> None:
    items = [(Image.new("RGB", (10, 10)), "")] * 9
    assert contact_sheet(items, cell=50).width == 3 * 62 + 12
    assert contact_sheet(items, cell=50, title="Run 7").height > contact_sheet(items, cell=50).height


def test_a_sheet_that_is_too_large_says_to_split_it() -> None:
    items = [(Image.new("RGB", (10, 10)), "")] * 2000
    with pytest.raises(InvalidInput, match="Split the pictures"):
        contact_sheet(items)


def test_all_faults_of_a_sheet_are_told_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        contact_sheet([], columns=0, cell=3)
    assert [fault.where for fault in caught.value.faults] == ["items", "columns", "cell"]


def test_encoding_keeps_the_colour_profile() -> None:
    image = corpus.textured()
    image.info["icc_profile"] = b"\0" * 200
    assert Image.open(BytesIO(encode(image, "webp"))).info["icc_profile"] == b"\0" * 200
