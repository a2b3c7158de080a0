"""Sound pictures open, everything else is refused in plain words before it costs memory."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
import warnings
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.decode import Limits, open_sound, peek
from tests import corpus


def refused(data: bytes, **options: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        open_sound(data, **options)
    return str(caught.value)


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_sound_picture_opens_with_all_its_pixels(format: str) -> None:
    data = corpus.encoded(format)
    image = open_sound(data)
    with Image.open(BytesIO(data)) as expected:
        assert image.tobytes() == expected.tobytes()
    assert image.format == format.upper()


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_peek_tells_format_and_size_from_the_header_alone(format: str) -> None:
    data = corpus.encoded(format)
    assert peek(data) == (format, 160, 120)
    assert peek(data[:700]) == (format, 160, 120)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_opens(mode: str) -> None:
    image = corpus.textured().convert("I").convert("I;16") if mode == "I;16" else corpus.textured(mode=mode)
    assert open_sound(corpus.encoded("png", image)).size == (160, 120)


def test_a_palette_with_transparency_opens() -> None:
    image = corpus.textured(mode="P")
    image.info["transparency"] = 3
    assert open_sound(corpus.encoded("png", image)).info["transparency"] == 3


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_mode_of_jpeg_opens(mode: str) -> None:
    assert open_sound(corpus.encoded("jpeg", corpus.textured(mode=mode))).mode == mode


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_both_kinds_of_jpeg_open(progressive: bool) -> None:
    assert open_sound(corpus.encoded("jpeg", progressive=progressive)).size == (160, 120)


@pytest.mark.parametrize("lossless", [False, True], ids=["lossy", "lossless"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_both_kinds_of_webp_open(mode: str, lossless: bool) -> None:
    image = corpus.textured()
    if mode == "RGBA":
        image.putalpha(128)
    assert open_sound(corpus.encoded("webp", image, lossless=lossless)).mode == mode


@pytest.mark.parametrize(
    "data",
    [
        corpus.encoded("png"),
        corpus.encoded("jpeg"),
        corpus.encoded("jpeg", progressive=True),
        corpus.encoded("webp"),
        corpus.encoded("webp", lossless=True),
    ],
    ids=["png", "jpeg", "progressive jpeg", "webp", "lossless webp"],
)
def test_a_cut_file_never_opens(data: bytes) -> None:
    assert all(refused(cut) for cut in corpus.cuts(data))


def test_a_cut_file_does_not_open_where_pillow_was_told_to_accept_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for format in corpus.FORMATS:
        data = corpus.encoded(format)
        assert "ends too early" in refused(data[: len(data) // 2])


def test_a_flipped_byte_in_a_png_is_found() -> None:
    data = bytearray(corpus.encoded("png"))
    data[len(data) // 2] ^= 0x55
    assert "damaged" in refused(bytes(data))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "the file is empty"),
        ("html", "web page"),
        ("json", "JSON text"),
        ("svg", "SVG drawing"),
        ("text", "not a PNG, JPEG or WebP"),
        ("eps", "PostScript"),
        ("pdf", "PDF document"),
        ("zip", "ZIP archive"),
        ("tiff", "TIFF picture"),
        ("heic", "HEIC photo"),
        ("zeros", "not a PNG, JPEG or WebP"),
        ("png signature only", "ends within its header"),
        ("half a png signature", "ends within its first bytes"),
        ("jpeg mark only", "ends within its header"),
        ("webp name only", "ends within its header"),
    ],
)
def test_what_is_no_picture_is_named(name: str, words: str) -> None:
    assert words in refused(corpus.NO_PICTURES[name], where="references[0]")
    assert refused(corpus.NO_PICTURES[name], where="references[0]").startswith("references[0]: ")


def test_a_gif_is_refused_whatever_its_name() -> None:
    assert "this is a GIF" in refused(corpus.encoded("gif"))


@pytest.mark.parametrize(
    "data",
    [
        corpus.png_claiming(20_000, 20_000),
        corpus.png_claiming(2**31 - 1, 2**31 - 1),
        corpus.jpeg_claiming(60_000, 60_000),
        corpus.webp_claiming(16_000, 16_000),
        corpus.png_claiming(9_000, 9_000),
    ],
    ids=["png 20000", "png 2^31", "jpeg 60000", "webp 16000", "png 9000, below the limit of Pillow"],
)
def test_a_huge_size_is_refused_from_the_header(data: bytes) -> None:
    tracemalloc.start()
    message = refused(data)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert "megapixels; at most" in message


def test_a_small_file_with_144_megapixels_is_refused_without_a_warning() -> None:
    bomb = corpus.flat_bomb()
    assert len(bomb) < 200_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "144 megapixels" in refused(bomb)


def test_the_limits_are_the_callers() -> None:
    data = corpus.encoded("png")
    assert "at most 0.0001 are opened" in refused(data, limits=Limits(max_pixels=100))
    assert "larger than" in refused(data, limits=Limits(max_bytes=100))
    assert open_sound(corpus.animated_webp(3), limits=Limits(max_frames=3)).n_frames == 3


@pytest.mark.alone
def test_an_animation_of_many_frames_is_refused_at_once() -> None:
    data = corpus.animated_png()
    before = time.perf_counter()
    message = refused(data)
    assert time.perf_counter() - before < 0.05
    assert "animated (200 frames)" in message


def test_an_animated_webp_is_refused() -> None:
    assert "animated (3 frames)" in refused(corpus.animated_webp(3))


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"], ids=["zTXt", "iCCP"])
def test_a_packed_text_bomb_is_refused(kind: bytes) -> None:
    assert "damaged" in refused(corpus.text_bomb(kind))


def test_eighty_packed_texts_of_a_megabyte_are_refused() -> None:
    one = corpus.text_bomb(b"zTXt", 1)
    text = one[len(corpus.PNG_SIGNATURE + corpus.ihdr(8, 8)) : one.index(b"IDAT") - 4]
    assert "damaged" in refused(corpus.png(*[text] * 80))


def test_megabytes_of_plain_text_are_refused_and_a_prompt_is_not() -> None:
    assert "MiB of text" in refused(corpus.png(corpus.chunk(b"tEXt", b"note\0" + b"x" * 5_000_000)))
    assert open_sound(corpus.png(corpus.chunk(b"tEXt", b"note\0" + b"x" * 100_000))).size == (8, 8)


def test_two_headers_that_disagree_are_refused() -> None:
    assert "damaged" in refused(corpus.png(corpus.ihdr(30_000, 30_000)))


@pytest.mark.parametrize("tail", [b"PK\x03\x04zip", b"<html><script>1</script>"], ids=["zip", "html"])
@pytest.mark.parametrize("format", corpus.FORMATS)
def test_bytes_behind_a_picture_do_not_hurt_it(format: str, tail: bytes) -> None:
    assert open_sound(corpus.encoded(format) + tail).size == (160, 120)


def test_a_phone_photo_with_a_second_picture_inside_opens_as_one_jpeg() -> None:
    out = BytesIO()
    corpus.textured().save(out, "MPO", save_all=True, append_images=[corpus.textured(80, 60)])
    image = open_sound(out.getvalue())
    assert (image.format, image.size) == ("JPEG", (160, 120))


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_photo_taken_sideways_is_turned_upright_on_request(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = corpus.encoded(format, exif=exif)
    assert open_sound(data).size == (160, 120)
    assert open_sound(data, upright=True).size == (120, 160)


def test_a_broken_exif_block_does_not_spoil_a_picture() -> None:
    data = corpus.encoded("jpeg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    assert open_sound(data, upright=True).size == (160, 120)


@given(st.sampled_from(corpus.FORMATS), st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_open_or_are_refused_but_never_break(format: str, data: st.DataObject) -> None:
    picture = bytearray(corpus.encoded(format, corpus.textured(24, 16)))
    for _ in range(data.draw(st.integers(1, 6))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        assert open_sound(bytes(picture)).size[0] > 0


@given(st.binary(max_size=200), st.sampled_from([b"", corpus.PNG_SIGNATURE, b"\xff\xd8\xff", b"RIFF\xff\0\0\0WEBP"]))
@settings(max_examples=60, deadline=None)
def test_random_bytes_are_refused(body: bytes, start: bytes) -> None:
    assert refused(start + body).startswith("picture: ")
