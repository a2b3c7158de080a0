"""Stored bytes are whole or absent, and rot is found."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest
from PIL import Image

from imagegen_kit.errors import CorruptArtifact, StoreError
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.store import Store, find_store
from imagegen_kit.store.blobs import Blobs

DATA = os.urandom(50_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


def test_bytes_come_back_under_their_hash(tmp_path):
    blobs = Blobs(tmp_path)
    path = blobs.put(DATA, DIGEST, "png")
    assert path == blobs.path(DIGEST, "png") == tmp_path / "pictures" / DIGEST[:2] / f"{DIGEST}.png"
    assert blobs.read(DIGEST, "png") == DATA


def test_the_same_bytes_twice_are_one_file_that_is_not_written_again(tmp_path):
    blobs = Blobs(tmp_path)
    first = blobs.put(DATA, DIGEST, "png").stat().st_mtime_ns
    assert blobs.put(DATA, DIGEST, "png").stat().st_mtime_ns == first
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def test_a_file_that_was_cut_is_written_anew(tmp_path):
    blobs = Blobs(tmp_path)
    blobs.put(DATA, DIGEST, "png").write_bytes(DATA[:100])
    assert blobs.put(DATA, DIGEST, "png").read_bytes() == DATA


def test_sixteen_writers_of_one_picture_leave_one_whole_file(tmp_path):
    blobs, seen = Blobs(tmp_path), []

    def put():
        blobs.put(DATA, DIGEST, "png")
        seen.append(blobs.read(DIGEST, "png") == DATA)

    threads = [threading.Thread(target=put) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 16
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [f"{DIGEST}.png"]


@pytest.mark.parametrize("place", [0, 25_000, -1])
def test_a_changed_byte_is_found_when_the_picture_is_read(tmp_path, place):
    blobs = Blobs(tmp_path)
    path = blobs.put(DATA, DIGEST, "png")
    changed = bytearray(DATA)
    changed[place] ^= 1
    path.write_bytes(changed)
    with pytest.raises(CorruptArtifact, match=r"no longer"):
        blobs.read(DIGEST, "png")


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(StoreError, match=DIGEST):
        Blobs(tmp_path).read(DIGEST, "png")


def test_a_place_that_cannot_be_written_is_a_plain_error_and_leaves_nothing(tmp_path):
    (tmp_path / "pictures").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        Blobs(tmp_path).put(DATA, DIGEST, "png")
    assert [p.name for p in tmp_path.iterdir()] == ["pictures"]


def test_thumbnails_lie_beside_the_pictures(tmp_path):
    blobs = Blobs(tmp_path)
    small, another = (thumbnail(Image.new("RGB", (8, 8), colour)) for colour in ("red", "blue"))
    assert blobs.put_thumbnail(DIGEST, small) == blobs.thumbnail_path(DIGEST)
    blobs.put_thumbnail(DIGEST, another)
    assert blobs.thumbnail(DIGEST) == small


def test_a_thumbnail_that_was_cut_is_made_again(tmp_path):
    blobs, small = Blobs(tmp_path), thumbnail(Image.new("RGB", (8, 8), "red"))
    for left in (b"", small[:11], small[:-1]):
        blobs.put_thumbnail(DIGEST, small).write_bytes(left)
        assert blobs.thumbnail(DIGEST) is None
    blobs.put_thumbnail(DIGEST, small)
    assert blobs.thumbnail(DIGEST) == small


def test_the_nearest_store_above_is_found(tmp_path):
    (tmp_path / "imagegen-store").mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_store(deep) == tmp_path / "imagegen-store"


@pytest.mark.parametrize("mark", [".git", "pyproject.toml"])
def test_a_new_store_lies_at_the_projects_root(tmp_path, mark):
    (tmp_path / mark).mkdir() if mark == ".git" else (tmp_path / mark).write_text("")
    deep = tmp_path / "notebooks"
    deep.mkdir()
    assert find_store(deep) == tmp_path / "imagegen-store"


def test_without_a_project_a_new_store_lies_here(tmp_path):
    here = tmp_path / "x"
    here.mkdir()
    assert find_store(here) == here / "imagegen-store"


def test_a_store_is_one_folder(tmp_path):
    store = Store(tmp_path / "s")
    store.blobs.put(DATA, DIGEST, "png")
    store.close()
    assert {p.name for p in (tmp_path / "s").iterdir()} >= {"journal.sqlite", "pictures"}
