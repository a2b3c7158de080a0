"""A stored picture is whole or absent, and rot is found: when it is read, wherever it is read."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import CorruptArtifact, StoreError
from imagegen_kit.store import Store
from tests.reliability.keeping import SAME

ROOT = Path(__file__).resolve().parents[2]


def keeper(store: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.keeping", str(store), mode],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def visible(store: Path) -> list[Path]:
    return [p for p in (store / "pictures").rglob("*") if p.is_file() and not p.name.startswith(".")]


def test_sixteen_processes_that_keep_one_picture_leave_one_whole_file(tmp_path):
    keepers = [keeper(tmp_path, "same") for _ in range(16)]
    for k in keepers:
        assert k.stdin is not None
        k.stdin.write("go\n")
        k.stdin.flush()
    assert [k.communicate(timeout=60)[0] for k in keepers] == ["True\n"] * 16
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert [p.read_bytes() == SAME for p in files] == [True]


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.soak)], ids="{} kills".format)
def test_a_kill_in_mid_write_leaves_no_part_of_a_picture_to_be_seen(tmp_path, kills):
    said, luck = set(), random.Random(kills)
    for _ in range(kills):
        k = keeper(tmp_path, "ever")
        assert k.stdin is not None
        assert k.stdout is not None
        k.stdin.write("go\n")
        k.stdin.flush()
        said.add(k.stdout.readline().strip())
        time.sleep(luck.uniform(0, 0.05))
        k.send_signal(signal.SIGKILL)
        said |= {line for line in k.communicate()[0].split("\n")[:-1] if line}
        files = visible(tmp_path)
        assert [p.name for p in files if hashlib.sha256(p.read_bytes()).hexdigest() != p.stem] == []
        assert said <= {p.stem for p in files}
        for path in files[:-3]:
            path.unlink()  # the disk is not what is tried here
            said.discard(path.stem)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)


@pytest.fixture
def made():
    """A stored picture, as a fresh look at its run finds it."""
    ik.generate("a red kite", model="offline/collage", size=64)
    picture = ik.open_run("latest")[0].artifacts[0]
    return picture, default_engine().store


def test_a_changed_byte_at_any_of_forty_places_is_found_by_every_way_of_reading(made):
    picture, store = made
    path, data, luck = Path(picture.path), picture.bytes, random.Random(7)
    ways = {
        "bytes": lambda: picture.bytes,
        "image": lambda: picture.image,
        "store": lambda: store.blobs.read(picture.sha256, picture.format),
        "save": lambda: picture.save("copy.png"),
        "cached": lambda: ik.generate("a red kite", model="offline/collage", size=64).picture.bytes,
    }
    for number in range(40):
        flip(path, luck.randrange(len(data)))
        with pytest.raises(CorruptArtifact, match=r"not spent again by itself.*Policy\(cache=False\)"):
            list(ways.values())[number % len(ways)]()
        assert not path.exists()
        path.write_bytes(data)
        assert picture.bytes == data
    assert len(list((store.path / "quarantine").iterdir())) == 40


@pytest.mark.parametrize("left", [0, 1, -1])
def test_a_cut_picture_is_put_into_quarantine_and_its_row_says_so(made, left):
    picture, store = made
    whole = Path(picture.path).stat().st_size
    os.truncate(picture.path, left % whole)
    with pytest.raises(CorruptArtifact, match="quarantine"):
        _ = picture.bytes
    (kept,) = (store.path / "quarantine").iterdir()
    assert kept.stat().st_size == left % whole
    assert store.journal.read("SELECT damaged_at IS NOT NULL FROM artifacts") == [(1,)]
    with pytest.raises(CorruptArtifact, match="it was found so on"):
        _ = picture.bytes


@pytest.mark.parametrize("spoil", [lambda p: flip(p, 50), Path.unlink], ids=["rotten", "gone"])
def test_the_other_copy_takes_its_place_where_there_is_one(made, spoil):
    picture, store = made
    data, asked = picture.bytes, []

    def elsewhere(sha256, format):
        asked.append((sha256, format))
        return data

    store.blobs.other_copy = elsewhere
    spoil(Path(picture.path))
    assert picture.bytes == data
    assert asked == [(picture.sha256, picture.format)]
    assert Path(picture.path).read_bytes() == data
    assert store.journal.read("SELECT damaged_at FROM artifacts") == [(None,)]
    assert picture.bytes == data
    assert len(asked) == 1


def broken(sha256, format):
    raise OSError("the other place is far away")


@pytest.mark.parametrize(
    ("copy", "words"),
    [
        (lambda *_: b"something else", "the other copy is damaged too"),
        (lambda *_: None, "the other place has no copy"),
        (broken, r"cannot be reached \(the other place is far away\)"),
    ],
    ids=["damaged", "missing", "unreachable"],
)
def test_another_copy_that_is_no_help_is_told_and_never_taken(made, copy, words):
    picture, store = made
    store.blobs.other_copy = copy
    flip(Path(picture.path), 9)
    with pytest.raises(CorruptArtifact, match=words):
        _ = picture.bytes
    assert not Path(picture.path).exists()


def test_a_reader_that_has_the_file_open_keeps_good_bytes(made):
    picture, store = made
    data = picture.bytes
    with Path(picture.path).open("rb") as file:
        first = file.read(10)
        store.blobs.put(data, picture.sha256, picture.format)
        assert first + file.read() == data


def test_rotten_bytes_are_not_taken_for_those_that_are_stored_now(tmp_path):
    first = Store(tmp_path / "s")
    data = os.urandom(5000)
    digest = hashlib.sha256(data).hexdigest()
    path = first.blobs.put(data, digest, "png")
    first.close()
    flip(path, 100)  # as long as before
    again = Store(tmp_path / "s")
    assert again.blobs.put(data, digest, "png").read_bytes() == data
    again.close()


def test_a_picture_outside_any_store_is_refused_as_before_and_stays_where_it_is(tmp_path):
    ik.generate("a red kite", model="offline/collage", size=64).save("kite.png")
    picture = ik.Picture.open("kite.png")
    flip(Path("kite.png"), 60)
    with pytest.raises(CorruptArtifact, match="has changed since it was stored"):
        _ = picture.bytes
    assert Path("kite.png").exists()
    Path("kite.png").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        _ = picture.bytes


def test_a_run_with_a_rotten_picture_still_shows_itself_and_its_table(made):
    picture, _ = made
    for path in Path(picture.path).parents[2].rglob("*.webp"):
        path.unlink()
    flip(Path(picture.path), 33)
    run = ik.open_run("latest")
    assert run.table()["sha256"].tolist() == [picture.sha256]
    assert "the picture cannot be shown" in run[0]._repr_html_()
