"""The command line keeps and searches libraries, and makes pictures with what it finds there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import imagegen_kit as ik
from imagegen_kit.retrieval.place import close_libraries
from tests.test_cli import imagegen


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder with two drawings and a file that is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("red-ball", "red"), ("blue-box", "blue")):
        picture = Image.new("RGB", (64, 64), "white")
        draw = ImageDraw.Draw(picture)
        (draw.ellipse if name == "red-ball" else draw.rectangle)((12, 12, 52, 52), fill=colour)
        picture.save(folder / f"{name}.png")
    yield folder
    close_libraries()


def test_pictures_are_added_found_and_looked_over(photos):
    status, out, _ = imagegen("library", "add", "refs", str(photos / "red-ball.png"), "--caption", "a red ball",
                              "--tag", "toy", "--role", "character", "--name", "ball")  # fmt: skip
    assert (status, out.split(": ")[-1]) == (0, "1 added, 0 updated, 0 there already, 0 not taken\n")
    status, out, _ = imagegen(
        "library", "add", "refs", str(photos / "blue-box.png"), "--caption", "a blue box", "--copy"
    )
    assert status == 0
    assert imagegen("library", "add", "refs", str(photos / "blue-box.png"))[1].endswith(
        "1 there already, 0 not taken\n"
    )
    assert len(ik.Library.open("refs")) == 2
    status, out, _ = imagegen("library", "search", "refs", "ball toy", "--top-k", "1")
    assert status == 0
    assert "a red ball" in out
    assert "blue" not in out
    status, out, _ = imagegen("library", "search", "refs", "--image", str(photos / "blue-box.png"), "--top-k", "1")
    assert "blue-box" in out
    assert "hybrid" in imagegen("library", "search", "refs", "ball", "--explain")[1]
    status, out, _ = imagegen("library", "stats", "refs")
    assert (status, "2 pictures, embedder offline" in out, "character" in out) == (0, True, True)
    status, out, _ = imagegen("library", "verify", "refs")
    assert (status, "2 pictures looked at, all sound" in out) == (0, True)


def test_what_is_wrong_with_a_library_ends_with_status_one(photos):
    (photos / "broken.png").write_bytes(b"no picture")
    status, out, err = imagegen("library", "add", "refs", str(photos))
    assert status == 1
    assert "2 added" in out
    assert "broken.png" in err
    (photos / "red-ball.png").unlink()
    status, out, _ = imagegen("library", "verify", "refs")
    assert status == 1
    assert "1 finding" in out
    assert "missing file" in out


def test_an_engine_that_embeds_no_pictures_is_refused_and_nothing_is_added(photos):
    status, _, err = imagegen("library", "add", "refs", str(photos), "--engine", "dask")
    assert status != 0
    assert "'dask' is no engine that takes work in pieces." in err
    assert not Path("refs").exists()


def test_pictures_are_made_with_references_of_a_library(photos):
    imagegen("library", "add", "refs", str(photos / "red-ball.png"), "--caption", "a red ball")
    status, out, _ = imagegen(
        "generate", "a red ball", "--library", "refs", "--top-k", "1", "--size", "64x64", "-o", "ball.png"
    )
    assert status == 0
    assert "reference red-ball  content  score" in out
    assert ik.Picture.open("ball.png").request["request"]["references"][0]["origin"] == "red-ball"
    status, _, err = imagegen("generate", "a red ball", "--top-k", "1")
    assert status == 2
    assert "there is no library" in err


def test_a_library_that_is_not_there_is_told_before_anything_is_made(photos):
    status, _, err = imagegen("generate", "a ball", "--library", "nowhere")
    assert status == 2
    assert "there is no folder" in err


@pytest.mark.parametrize("command", ["verify", "stats"])
def test_a_folder_that_is_no_library_is_refused(command: str, tmp_path: Path) -> None:
    status, _, err = imagegen("library", command, str(tmp_path))
    assert status == 2
    assert "is no library yet" in err
