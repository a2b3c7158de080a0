"""Promise 14: every picture says what made it, and the service's own bytes stay as they came."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.imaging import provenance
from imagegen_kit.imaging.decode import open_sound
from tests import corpus
from tests.engine.models import model, rows

pytestmark = pytest.mark.usefixtures("own_registry")
SUFFIXES = ("png", "jpg", "webp")
TERM = provenance.VOCABULARY


def jumbf(format: str) -> bytes:
    """A picture with a box such as a service signs its pictures with."""
    data, box = (
        corpus.encoded(format, corpus.textured(24, 16)),
        b"\0\0\0\x30jumb\0\0\0\x28jumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71",
    )
    if format == "png":
        return data[:33] + corpus.chunk(b"caBX", box) + data[33:]
    if format == "jpeg":
        body = b"JP\0\x01\0\0\0\x01" + box
        return data[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    chunk = b"C2PA" + len(box).to_bytes(4, "little") + box + b"\0" * (len(box) % 2)
    return data[:4] + (len(data) - 8 + len(chunk)).to_bytes(4, "little") + data[8:] + chunk


def term_of(data: bytes) -> str:
    """The IPTC term as another program reads it: the packet found by Pillow, parsed by an XML parser."""
    packet = ElementTree.fromstring(Image.open(BytesIO(data)).info["xmp"].decode().strip("\0"))
    found = packet.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert found is not None
    return str(found.text)


def edited():
    """A picture, and an edit of it, by a model of a service; all that is private has a word of its own."""
    model("lab/one", corpus.encoded("png", corpus.textured(48, 48)), price=0.04)
    base = ik.generate("a canaryprompt", model="lab/one", negative_prompt="canaryrain", seed=7)
    reference = ik.Reference(base.picture, name="canaryname", description="canarydescription")
    return base, ik.generate("the same canarytwo, smiling", model="lab/one", references=[reference], seed=8)


def test_the_bytes_of_the_service_are_kept_as_they_came():
    data = jumbf("jpeg")
    model("lab/one", data)
    made = ik.generate("a cup", model="lab/one").picture
    made.save("a.jpg")
    made.save("b.jpg", share=True)
    assert Path(made.path).read_bytes() == data == made.bytes
    assert made.sha256 == hashlib.sha256(data).hexdigest()


def test_an_edit_goes_through_all_formats_and_still_says_what_made_it(tmp_path):
    _, edit = edited()
    asked = edit.request.to_plain()
    path, lineage = edit.picture.save(tmp_path / "0.png"), [edit.picture.sha256]
    for suffix in ("jpg", "webp", "png", "webp", "jpg"):
        opened = ik.Picture.open(path)
        assert opened.request["request"] == asked
        assert opened.request["parents"] == lineage
        assert term_of(opened.bytes) == TERM + "compositeWithTrainedAlgorithmicMedia"
        assert provenance.read_parameters(opened.bytes).startswith("the same canarytwo, smiling\n")
        lineage.append(opened.sha256)
        path = opened.save(tmp_path / f"{len(lineage)}.{suffix}")
    assert ik.Picture.open(path).request["parents"][0] == edit.picture.sha256  # the original, however long the way


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_trained_model_made_of_words_says_so(tmp_path, suffix):
    base, _ = edited()
    data = base.picture.save(tmp_path / f"x.{suffix}").read_bytes()
    assert term_of(data) == TERM + "trainedAlgorithmicMedia"
    assert "Negative prompt: canaryrain" in provenance.read_parameters(data)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_shared_picture_tells_nothing_private_and_names_its_parent(tmp_path, suffix):
    _, edit = edited()
    references = [r.picture.sha256 for r in edit.request.references]
    (key,) = [row[0] for row in rows("SELECT key FROM requests WHERE asked LIKE '%canarytwo%'")]
    private = [
        b"canary",
        b"smiling",
        str(tmp_path).encode(),
        edit.picture.path.encode(),
        key.encode(),
        *map(str.encode, references),
    ]
    whole = edit.picture.save(tmp_path / f"whole.{suffix}")
    again = ik.Picture.open(whole).save(tmp_path / f"again.{suffix}", share=True).read_bytes()
    shared = edit.picture.save(tmp_path / f"shared.{suffix}", share=True).read_bytes()
    whole_bytes = whole.read_bytes()
    assert [w for w in private[:2] if w not in whole_bytes and w.decode().encode("utf-16-be") not in whole_bytes] == []
    for data in (shared, again):
        assert [w for w in private if w in data or w.decode().encode("utf-16-be") in data] == []
        assert term_of(data) == TERM + "compositeWithTrainedAlgorithmicMedia"
        assert ik.Picture.from_bytes(data).request["parents"][0] == edit.picture.sha256


def test_image_tools_find_the_parameters_in_exif(tmp_path):
    """Where AUTOMATIC1111 and those who follow it look: the user comment, as Unicode."""
    made = ik.generate("ein Kätzchen 🐈", model="offline/collage", seed=7, size=64).picture
    for suffix in ("jpg", "webp"):
        data = made.save(tmp_path / f"x.{suffix}").read_bytes()
        exif = Image.open(BytesIO(data)).getexif().get_ifd(0x8769)
        text = exif[0x9286].removeprefix(b"UNICODE\0").decode("utf-16-be")
        assert text == "ein Kätzchen 🐈\nModel: offline/collage, Seed: 7, Size: 64x64"


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_parameters_join_what_a_photo_already_tells_and_keep_it_upright(format):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    data = corpus.encoded(format, corpus.textured(24, 16), exif=exif)
    record = {"sent": {"prompt": "a cup", "model": "m"}}
    once = provenance.embed(data, record)
    assert open_sound(once, upright=True).size == (16, 24)
    assert open_sound(once).tobytes() == open_sound(data).tobytes()
    assert Image.open(BytesIO(once)).getexif()[0x010F] == "a camera"
    assert provenance.embed(once, record) == once


@pytest.mark.parametrize("format", ["jpeg", "webp"])
@pytest.mark.parametrize("prompt", ["long " * 20_000, "猫" * 40_000, "x"], ids=["100 KB", "kanji", "short"])
def test_a_long_prompt_is_cut_in_the_text_for_tools_and_whole_in_our_record(format, prompt):
    data = provenance.embed(corpus.encoded(format), {"sent": {"prompt": prompt}})
    assert provenance.read(data) == {"sent": {"prompt": prompt}}
    text = provenance.read_parameters(data)
    assert prompt.startswith(text[:20_000]) or text.startswith(prompt)


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_exif_that_cannot_be_read_is_no_reason_not_to_save(format):
    data = corpus.encoded(format, corpus.textured(24, 16), exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert provenance.read(provenance.embed(data, {"sent": {"prompt": "a"}})) == {"sent": {"prompt": "a"}}


@pytest.mark.parametrize("format", corpus.FORMATS)
def test_the_services_own_credentials_are_told_present_or_absent(format, tmp_path):
    signed = ik.Picture.from_bytes(jumbf(format))
    assert signed.content_credentials
    assert not ik.Picture.from_bytes(corpus.encoded(format)).content_credentials
    assert not ik.Picture.open(signed.save(tmp_path / "x.png", share=True)).content_credentials


def test_a_record_from_anywhere_cannot_smuggle_words_through_sharing(tmp_path):
    lies = {"model_used": "m", "parents": ["canary words", "../../x", 7, "a" * 64, ["canary"]]}
    data = provenance.embed(corpus.encoded("png"), lies)
    shared = ik.Picture.from_bytes(data).save(tmp_path / "x.png", share=True)
    assert b"canary" not in shared.read_bytes()
    assert ik.Picture.open(shared).request["parents"][0] == "a" * 64
