"""Saved pictures tell what made them, in the three formats, without a pixel being encoded again."""

from __future__ import annotations

import zlib
from io import BytesIO
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging import provenance
from imagegen_kit.imaging.decode import open_sound
from tests import corpus

SMALL = {format: corpus.encoded(format, corpus.textured(24, 16)) for format in corpus.FORMATS}
RECORD: dict[str, Any] = {
    "tool": {"name": "imagegen_kit", "version": "0.1"},
    "request": {"kind": "image", "prompt": "a cat", "model": "nano-banana", "labels": {"client": "secret-label"}},
    "sent": {
        "kind": "image",
        "prompt": "a cat, ink",
        "model": "gemini/nano-banana",
        "negative_prompt": "blur",
        "seed": 7,
        "references": [{"name": "secret-reference"}],
    },
    "model_used": "gemini/nano-banana",
    "cost_usd": 0.039,
    "created_at": "2026-11-20T10:00:00Z",
    "key": "secret-key",
}
SECRETS = (b"a cat", b"blur", b"secret")
COMPOSITE = provenance.VOCABULARY + "compositeWithTrainedAlgorithmicMedia"  # it was given a reference


def record_with(prompt: str) -> dict[str, Any]:
    return {**RECORD, "request": {"prompt": prompt}, "sent": {"prompt": prompt, "model": "m"}}


def xmp_of(data: bytes) -> ElementTree.Element:
    """The XMP packet as another program sees it: found by Pillow, read by an XML parser."""
    packet = Image.open(BytesIO(data)).info["xmp"]
    return ElementTree.fromstring(packet.decode().strip("\0"))


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_the_record_comes_back_and_the_pixels_are_the_same(format: str) -> None:
    data = provenance.embed(SMALL[format], RECORD)
    assert provenance.read(data) == RECORD
    assert open_sound(data).tobytes() == open_sound(SMALL[format]).tobytes()


@pytest.mark.parametrize("format", corpus.FORMATS)
@pytest.mark.parametrize(
    "prompt",
    [
        "eine Katze trinkt Kaffee – 猫がコーヒーを飲む 🐈",
        'she said "hello" & <left> \\ it\'s',
        "]]> <!-- --> <?xpacket end='w'?> </imagegen:Record>",
        "line\nbreak\ttab\r bell\x07 null\x00 delete\x7f next\x85 \ufffe lone \ud83d end",
        "long " * 20_000,
        "猫" * 33_000,
        "<&>" * 30_000,
    ],
    ids=["unicode", "quotes", "markup", "control", "100 KB", "100 KB of kanji", "90 KB of markup"],
)
def test_any_prompt_survives(format: str, prompt: str) -> None:
    data = provenance.embed(SMALL[format], record_with(prompt))
    assert provenance.read(data) == record_with(prompt)
    assert open_sound(data).size == (24, 16)
    assert xmp_of(data) is not None


@given(st.sampled_from(corpus.FORMATS), st.text(st.characters(), max_size=300), st.integers(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_text_and_number_survives(format: str, prompt: str, seed: int, yes: bool) -> None:
    record = {"sent": {"prompt": prompt, "seed": seed}, "list": [prompt, None, yes, 0.5]}
    assert provenance.read(provenance.embed(SMALL[format], record)) == record


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_embedding_again_replaces_the_record_and_does_not_pile_up(format: str) -> None:
    once = provenance.embed(SMALL[format], RECORD)
    twice = provenance.embed(provenance.embed(SMALL[format], record_with("x" * 90_000)), RECORD)
    assert twice == once


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_the_packet_names_the_source_type_and_the_tool(format: str) -> None:
    packet = xmp_of(provenance.embed(SMALL[format], RECORD))
    found = packet.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    tool = packet.find(".//{http://ns.adobe.com/xap/1.0/}CreatorTool")
    assert found is not None
    assert found.text == COMPOSITE
    assert tool is not None
    assert tool.text == "imagegen_kit 0.1"


@pytest.mark.parametrize(
    ("record", "term"),
    [
        ({"model_used": "gemini/nano-banana"}, "trainedAlgorithmicMedia"),
        ({"sent": {"model": "gemini/nano-banana", "references": [{}]}}, "compositeWithTrainedAlgorithmicMedia"),
        ({"sent": {"model": "openai/gpt-image-2", "mask": {"sha256": "0"}}}, "compositeWithTrainedAlgorithmicMedia"),
        ({"model": "offline/gradient"}, "algorithmicMedia"),
        ({"sent": {"model": "offline/collage", "references": [{}]}}, "composite"),
        ({"model_used": "me/gradient", "origin": "local:notebook"}, "algorithmicMedia"),
        ({"model_used": "gemini/nano-banana", "status": "placeholder"}, "algorithmicMedia"),
        ({}, "trainedAlgorithmicMedia"),
    ],
    ids=[
        "service",
        "edit",
        "inpainting",
        "offline",
        "offline with references",
        "notebook",
        "placeholder",
        "nothing known",
    ],
)
def test_the_source_type_is_honest(record: dict[str, Any], term: str) -> None:
    assert provenance.source_type(record) == provenance.VOCABULARY + term


def test_image_tools_find_the_parameters_in_a_png() -> None:
    image = open_sound(provenance.embed(SMALL["png"], RECORD))
    assert image.info["parameters"] == (
        "a cat, ink\nNegative prompt: blur\nModel: gemini/nano-banana, Seed: 7, Size: 24x16"
    )


def with_metadata(format: str) -> bytes:
    """A sideways picture that tells about its maker in every way that its format has."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "secret description"
    data = corpus.encoded(format, corpus.textured(24, 16), exif=exif, xmp=b"<secret/>", comment=b"secret comment")
    if format == "png":
        note = corpus.chunk(b"tEXt", b"Comment\0secret") + corpus.chunk(b"caBX", b"secret")
        data = data[:33] + note + data[33:]
    return provenance.embed(data, RECORD) + b"secret tail"


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_sharing_leaves_nothing_private_in_the_file(format: str) -> None:
    before = with_metadata(format)
    assert b"secret" in before
    shared = provenance.embed(before, RECORD, share=True)
    assert [secret for secret in SECRETS if secret in shared] == []
    assert provenance.read(shared) == {
        "tool": "imagegen_kit 0.1",
        "model_used": "gemini/nano-banana",
        "digital_source_type": COMPOSITE,
    }


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_sharing_keeps_the_picture_upright_and_its_colours(format: str) -> None:
    before = with_metadata(format)
    shared = provenance.embed(before, RECORD, share=True)
    assert open_sound(shared, upright=True).size == (16, 24)
    assert open_sound(shared, upright=True).tobytes() == open_sound(before, upright=True).tobytes()


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_stripping_removes_the_record_and_keeps_the_colour_profile(format: str) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = corpus.encoded(format, corpus.textured(24, 16), icc_profile=profile)
    stripped = provenance.strip(provenance.embed(data, RECORD))
    assert provenance.read(stripped) is None
    assert open_sound(stripped).info["icc_profile"] == profile


@pytest.mark.parametrize(
    "data",
    [
        corpus.encoded("jpeg", progressive=True),
        corpus.encoded("jpeg", corpus.textured(mode="CMYK")),
        corpus.encoded("jpeg", corpus.textured(mode="L")),
        corpus.encoded("webp", lossless=True),
        corpus.encoded("webp", Image.new("RGBA", (31, 33), (9, 8, 7, 100))),
        corpus.encoded("webp", Image.new("RGBA", (31, 33), (9, 8, 7, 100)), lossless=True),
        corpus.encoded("webp", corpus.textured(17, 19), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        corpus.encoded("png", corpus.textured(mode="P")),
        corpus.encoded("png", corpus.textured(mode="LA")),
        corpus.encoded("png", corpus.textured(mode="1")),
    ],
    ids=[
        "progressive jpeg",
        "cmyk jpeg",
        "grey jpeg",
        "lossless webp",
        "webp with alpha",
        "lossless webp with alpha",
        "webp of odd size with exif",
        "palette png",
        "grey png with alpha",
        "1-bit png",
    ],
)
@pytest.mark.parametrize("share", [False, True], ids=["whole", "shared"])
def test_every_kind_of_file_keeps_its_pixels(data: bytes, share: bool) -> None:
    embedded = open_sound(provenance.embed(data, RECORD, share=share))
    original = open_sound(data)
    assert (embedded.mode, embedded.size) == (original.mode, original.size)
    assert embedded.tobytes() == original.tobytes()


def test_a_second_picture_inside_a_phone_photo_stays_unless_it_is_shared() -> None:
    out = BytesIO()
    corpus.textured().save(out, "MPO", save_all=True, append_images=[corpus.textured(80, 60)])
    whole = provenance.embed(out.getvalue(), RECORD)
    shared = provenance.embed(out.getvalue(), RECORD, share=True)
    assert whole.count(b"\xff\xd8\xff") == 2
    assert shared.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_record_that_is_too_large_is_reduced_and_the_picture_still_opens(format: str) -> None:
    data = provenance.embed(SMALL[format], record_with("x" * 2_000_000))
    record = provenance.read(data)
    assert record is not None
    assert record["left_out"] == "the record was too large to embed"
    assert open_sound(data).size == (24, 16)


def test_frozen_mappings_and_paths_are_written_as_json() -> None:
    record = {"request": MappingProxyType({"prompt": "p", "options": MappingProxyType({})}), "when": 1.5}
    assert provenance.read(provenance.embed(SMALL["png"], record)) == {
        "request": {"prompt": "p", "options": {}},
        "when": 1.5,
    }


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_picture_without_a_record_has_none(format: str) -> None:
    assert provenance.read(SMALL[format]) is None


@pytest.mark.parametrize("data", corpus.NO_PICTURES.values(), ids=corpus.NO_PICTURES)
def test_what_is_no_picture_has_no_record_and_takes_none(data: bytes) -> None:
    assert provenance.read(data) is None
    with pytest.raises(InvalidInput):
        provenance.embed(data, RECORD)


def png_saying(body: bytes) -> bytes:
    return corpus.png(corpus.chunk(b"iTXt", b"imagegen_kit\0" + body))


@pytest.mark.parametrize(
    "body",
    [
        b"\0\0\0\0{not json",
        b"\0\0\0\0[1, 2]",
        b"\0\0\0\0" + b"[" * 200_000,
        b"\0\0\0\0\xff\xfe",
        b"\0\0\0\0" + b'{"a": ' + b"9" * 10_000 + b"}",
        b"\0\0\0\0" + b'{"a": "' + b"x" * 700_000 + b'"}',
        b"\1\0\0\0 not packed",
        b"",
        b"\0",
    ],
    ids=["no json", "a list", "deep", "no utf-8", "huge number", "too long", "not packed", "nothing", "cut"],
)
def test_a_hostile_record_is_none(body: bytes) -> None:
    assert provenance.read(png_saying(body)) is None


def test_a_packed_record_is_read_and_a_packed_bomb_is_not() -> None:
    assert provenance.read(png_saying(b"\1\0\0\0" + zlib.compress(b'{"a": 1}'))) == {"a": 1}
    assert provenance.read(png_saying(b"\1\0\0\0" + zlib.compress(b" " * 50_000_000))) is None


def test_the_format_may_be_stated_and_must_then_be_right() -> None:
    assert provenance.read(provenance.embed(SMALL["webp"], RECORD, format="webp")) == RECORD
    with pytest.raises(InvalidInput, match="the bytes are WEBP, not PNG"):
        provenance.embed(SMALL["webp"], RECORD, format="png")


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_a_cut_file_takes_no_record_and_reading_it_does_not_break(format: str) -> None:
    whole = provenance.embed(SMALL[format], RECORD)
    for cut in corpus.cuts(whole):
        assert provenance.read(cut) in (None, RECORD)
        with pytest.raises(InvalidInput):
            provenance.embed(cut, RECORD)
