"""Pictures open from anything, show the same bytes for ever, and are saved whole."""

from __future__ import annotations

import copy
import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import CorruptArtifact, InvalidInput, StoreError
from imagegen_kit.imaging import provenance
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.types import Artifact, Reference
from tests import corpus

RECORD = {"tool": "imagegen_kit 0.1", "sent": {"prompt": "a cat", "model": "m/x", "seed": 3}, "key": "k"}


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(corpus.encoded("png"))
    return path


def refused(source: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        open_picture(source)
    return str(caught.value)


def test_an_opened_picture_knows_its_file(cat: Path) -> None:
    picture = Picture.open(cat)
    assert (picture.format, picture.width, picture.height, picture.path) == ("png", 160, 120, str(cat))
    assert picture.bytes == cat.read_bytes()
    assert picture.size_bytes == cat.stat().st_size
    assert repr(picture) == "Picture(png, 160×120)"


def test_a_picture_can_be_opened_from_anything_that_holds_one(cat: Path) -> None:
    data = cat.read_bytes()
    stream = BytesIO(data)
    stream.read()
    with cat.open("rb") as file:
        sources: list[Any] = [str(cat), cat, data, bytearray(data), memoryview(data), stream, file, Picture.open(cat)]
        assert {open_picture(source).sha256 for source in sources} == {Picture.open(cat).sha256}


def test_a_pil_image_and_an_array_keep_their_pixels() -> None:
    image = corpus.textured()
    assert open_picture(image).image.tobytes() == image.tobytes()
    assert open_picture(np.asarray(image)).image.tobytes() == image.tobytes()
    assert open_picture(np.zeros((4, 6), dtype=np.uint8)).image.size == (6, 4)
    assert open_picture(np.zeros((4, 6, 1), dtype=np.uint8)).image.size == (6, 4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I"])
def test_a_pil_image_of_any_mode_becomes_a_picture(mode: str) -> None:
    image = corpus.textured(mode="L").convert("PA") if mode == "PA" else Image.new(mode, (8, 6))
    assert open_picture(image).image.size == image.size


def test_a_stored_artifact_becomes_a_picture_and_stays_equal_to_it(cat: Path) -> None:
    picture = Picture.open(cat)
    artifact = Artifact(picture.sha256, path=str(cat))
    assert open_picture(artifact) == artifact
    assert artifact == open_picture(artifact)
    assert len({picture, artifact, Picture.from_bytes(cat.read_bytes())}) == 1
    assert picture != "cat.png"


def test_a_reference_takes_a_path_and_reads_it_at_once(cat: Path) -> None:
    reference = Reference(str(cat))  # type: ignore[arg-type]  # read into an Artifact
    assert reference.picture == Picture.open(cat)


@pytest.mark.parametrize("source", [None, 7, ["cat.png"], object(), {"path": "x"}], ids=lambda s: type(s).__name__)
def test_anything_else_is_refused_by_its_type(source: object) -> None:
    assert f"a {type(source).__name__} is no picture" in refused(source)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 3)), "holds float64, not uint8"),
        (np.zeros((2, 4, 4, 3), dtype=np.uint8), r"shape (2, 4, 4, 3)"),
        (np.zeros((4, 4, 2), dtype=np.uint8), r"shape (4, 4, 2)"),
        (np.zeros((0, 4), dtype=np.uint8), r"shape (0, 4)"),
    ],
    ids=["floats", "a batch", "two channels", "empty"],
)
def test_an_array_that_is_no_picture_is_refused(array: object, words: str) -> None:
    assert words in refused(array)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.new("F", (4, 4)), "mode F"),
        (Image.new("RGB", (0, 4)), "nothing in it"),
        (Image.new("1", (12_000, 6_000)), "megapixels"),
    ],
    ids=["numbers", "empty", "huge"],
)
def test_a_pil_image_that_is_no_picture_is_refused(image: Image.Image, words: str) -> None:
    assert words in refused(image)


def test_a_pil_image_of_a_cut_file_is_refused() -> None:
    data = corpus.encoded("jpeg")
    assert "cannot be read" in refused(Image.open(BytesIO(data[: len(data) // 2])))


def test_a_film_is_no_picture() -> None:
    assert "this is a film" in refused(Artifact("0" * 64, kind="film", format="mp4"))


def test_a_missing_file_names_its_neighbours(cat: Path) -> None:
    (cat.parent / "dog.png").write_bytes(b"")
    message = refused(cat.parent / "Cat.jpg")
    assert "there is no file" in message
    assert "'cat.png'" in message
    assert "dog" not in message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"The folder {tmp_path / 'nowhere'} does not exist" in refused(tmp_path / "nowhere" / "cat.png")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "is not a path"),
        ("https://example.org/cat.png", "is an address"),
        ("data:image/png;base64,AAAA", "is an address"),
        ("a\0b.png", "is not a path"),
        ("x" * 5000, "cannot be read"),
        ("~nobody-of-this-name/cat.png", "is not a path"),
    ],
    ids=["empty", "address", "data address", "NUL", "too long", "no such home"],
)
def test_a_text_that_is_no_path_is_refused(source: str, words: str) -> None:
    assert words in refused(source)


def test_a_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)
    assert "is no ordinary file" in refused("/dev/zero")


def test_the_home_folder_may_be_written_as_a_tilde(cat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(cat.parent))
    assert Picture.open("~/cat.png").path == str(cat)


def test_a_bad_file_names_the_argument_it_was_given_for(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(corpus.NO_PICTURES["html"])
    with pytest.raises(InvalidInput, match=r"^references\[1\]: this is a web page"):
        open_picture(tmp_path / "page.png", where="references[1]")


def test_a_changed_file_is_noticed_and_a_lost_one_too(cat: Path) -> None:
    picture = Picture.open(cat)
    cat.write_bytes(corpus.encoded("png", corpus.textured(9, 9)))
    with pytest.raises(CorruptArtifact, match=str(cat)):
        _ = picture.bytes
    cat.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        _ = picture.image


def test_a_picture_known_by_its_hash_only_says_so() -> None:
    with pytest.raises(StoreError, match="are not on this machine"):
        _ = Picture("ab" * 32).bytes


def test_drawing_on_the_image_does_not_change_the_picture(cat: Path) -> None:
    picture = Picture.open(cat)
    before = picture.image.tobytes()
    picture.image.paste((0, 0, 0), (0, 0, 50, 50))
    assert picture.image.tobytes() == before


def test_a_sideways_photo_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Picture.from_bytes(corpus.encoded("jpeg", exif=exif))
    assert (picture.width, picture.height) == picture.image.size == (120, 160)
    assert open_picture(Image.open(BytesIO(picture.bytes))).image.size == (120, 160)


def test_a_thumbnail_keeps_the_shape_and_never_grows(cat: Path) -> None:
    assert Picture.open(cat).thumbnail(64).size == (64, 48)
    assert Picture.open(cat).thumbnail().size == (160, 120)


def test_pictures_can_be_copied_and_pickled(cat: Path) -> None:
    picture = Picture.open(cat)
    assert pickle.loads(pickle.dumps(picture)).image.tobytes() == picture.image.tobytes()
    assert copy.deepcopy(picture) == picture


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_a_saved_picture_carries_its_request(tmp_path: Path, cat: Path, suffix: str) -> None:
    picture = Picture.open(cat)
    picture = Picture(**{**_fields(picture), "provenance": RECORD})
    path = picture.save(tmp_path / "new" / "folder" / f"out{suffix}")
    assert path == tmp_path / "new" / "folder" / f"out{suffix}"
    assert picture.request == RECORD
    assert Picture.open(path).request == {**RECORD, "parents": [picture.sha256]}
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    if suffix in (".png", ".PNG", ".webp"):
        assert Picture.open(path).image.convert("RGB").tobytes() == picture.image.tobytes()


def _fields(picture: Picture) -> dict[str, Any]:
    return {name: getattr(picture, name) for name in ("sha256", "format", "width", "height", "path", "data")}


def test_a_picture_without_a_request_is_saved_byte_for_byte(tmp_path: Path, cat: Path) -> None:
    assert Picture.open(cat).save(tmp_path / "copy.png").read_bytes() == cat.read_bytes()
    assert Picture.open(cat).request is None


def test_sharing_leaves_the_prompt_out_and_strips_other_metadata(tmp_path: Path) -> None:
    picture = Picture.from_bytes(provenance.embed(corpus.encoded("png"), RECORD))
    shared = Picture.open(picture.save(tmp_path / "shared.png", share=True))
    assert shared.request is not None
    assert set(shared.request) == {"tool", "model_used", "digital_source_type", "parents"}
    assert shared.request["parents"] == [picture.sha256]
    photo = Picture.from_bytes(corpus.encoded("jpeg", comment=b"my street"))
    assert b"my street" not in photo.save(tmp_path / "photo.jpg", share=True).read_bytes()


def test_a_picture_with_alpha_is_saved_as_jpeg_on_white(tmp_path: Path) -> None:
    clear = Picture.from_image(Image.new("RGBA", (16, 16), (0, 0, 0, 0)))
    assert Picture.open(clear.save(tmp_path / "clear.jpg")).image.getpixel((8, 8)) == (255, 255, 255)


def test_a_name_without_a_suffix_gets_that_of_the_picture(tmp_path: Path, cat: Path) -> None:
    assert Picture.open(cat).save(str(tmp_path / "out")) == tmp_path / "out.png"


def test_unusable_targets_are_refused(tmp_path: Path, cat: Path) -> None:
    picture = Picture.open(cat)
    with pytest.raises(InvalidInput, match=r"'.gif' is no format"):
        picture.save(tmp_path / "out.gif")
    with pytest.raises(InvalidInput, match="is a folder"):
        picture.save(tmp_path)
    with pytest.raises(StoreError, match="cannot be written"):
        picture.save(cat / "below-a-file.png")


def test_a_failed_save_leaves_the_old_file_and_no_rubbish(tmp_path: Path, cat: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "x.png").mkdir()
    with pytest.raises(InvalidInput):
        Picture.open(cat).save(target / "x.png")
    assert sorted(p.name for p in target.iterdir()) == ["x.png"]
