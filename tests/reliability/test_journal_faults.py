"""A full disk, a read-only folder, a locked or damaged journal: a clear error, and nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagegen_kit.errors import StoreError
from imagegen_kit.store.journal import Journal
from tests.reliability.on_disks import INSERT

ROOT = Path(__file__).resolve().parents[2]
CHILD = [sys.executable, "-m", "tests.reliability.on_disks"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def own_mounts() -> bool:
    """Whether this system lets a child mount a small disk that nobody else sees."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True)
    return tried.returncode == 0


real_disk = pytest.mark.skipif(not own_mounts(), reason="this system lets nobody mount a disk of his own")


def on_disk(name: str, folder: Path, size: str) -> dict:
    """Run a function of ``on_disks`` on a disk of ``size``, which is gone when it ends."""
    script = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, str(folder), *CHILD, name, str(folder)]
    return answer(subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=folder.parent))


def answer(done: subprocess.CompletedProcess[str]) -> dict:
    assert done.returncode == 0, done.stderr
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


def whole(found: dict) -> None:
    """Every acknowledged write is there with both its rows, no refused one with any, and the file is sound."""
    expected = {f"{name}{more}" for name in found["said"] for more in ("", " too")} | {"later"}
    assert set(found["names"]) == expected
    assert len(found["names"]) == len(expected)
    assert found["sound"]


@real_disk
def test_on_a_full_disk_every_waiting_caller_is_told_and_later_writes_work(tmp_path):
    found = on_disk("full", tmp_path, "1m")
    assert len(found["said"]) > 5
    assert found["errors"]
    assert all("the disk is full" in e and "imagegen clean" in e for e in found["errors"])
    whole(found)


@real_disk
def test_a_picture_that_does_not_fit_leaves_no_piece_of_itself(tmp_path):
    found = on_disk("full", tmp_path, "1m")
    assert "No space left" in found["picture"]
    assert found["left"] == []


@real_disk
def test_a_store_on_a_full_disk_can_be_read_and_written_again_when_there_is_room(tmp_path):
    found = on_disk("opened_on_full_disk", tmp_path, "1m")
    assert found["read"] == [["kept"]]
    assert "could not be written" in found["error"]
    assert found["names"] == ["kept", "later"]


def test_a_limit_of_file_sizes_is_told_and_nothing_is_half_written(tmp_path):
    command = [*CHILD, "limited", str(tmp_path)]
    found = answer(subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT))
    assert len(found["said"]) > 5
    assert found["errors"]
    assert all("could not be written: the disk" in e for e in found["errors"])
    whole(found)


@real_disk
def test_a_read_only_store_shows_runs_tables_and_pictures_and_refuses_to_make_more(tmp_path):
    found = on_disk("read_only", tmp_path, "30m")
    assert found["same"]
    assert (found["runs"], found["calls"], found["done"], found["picture"]) == (1, 1, 1, [64, 64])
    assert found["html"]
    assert "cannot be written" in found["refused"]
    assert "configure(store=" in found["refused"]
    assert (found["later"], found["rows"]) == ("ok", 2)


@real_disk
def test_what_a_killed_writer_had_committed_is_read_from_a_read_only_disk(tmp_path):
    found = on_disk("killed_then_read_only", tmp_path, "30m")
    assert found["wal"] > 0
    assert found["lost"] == []
    assert found["lost in the copy"] == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_store_of_another_user_can_be_read(open_path):
    command = [*CHILD, "of_another", str(open_path)]
    found = answer(subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT))
    assert found["read"] == [["kept"]]
    assert "cannot be written" in found["error"]
    assert "configure(store=" in found["error"]


def locked(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Return a process that has begun to hold the journal in ``folder``."""
    held = subprocess.Popen(
        [*CHILD, "hold", str(folder)], stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, "HOLD_S": str(seconds)}
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "held\n"
    return held


@pytest.mark.alone
def test_a_write_waits_for_another_process_that_holds_the_journal_for_five_seconds(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    holder, start = locked(tmp_path, 5), time.monotonic()
    journal.write([(INSERT, ("waited", None))]).result(timeout=20)
    assert 4 < time.monotonic() - start < 7
    holder.communicate()
    assert journal.read("SELECT name FROM events") == [("waited",)]
    journal.close()


@pytest.mark.alone
def test_beyond_our_patience_all_who_wait_are_told_at_once_and_later_writes_work(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite", patience_s=0.5)
    holder, start = locked(tmp_path, 60), time.monotonic()
    waiting = [journal.write([(INSERT, (str(n), None))]) for n in range(100)]
    errors = [f.exception(timeout=20) for f in waiting]
    assert time.monotonic() - start < 5
    assert {type(e) for e in errors} == {StoreError}
    assert all("kept it locked for 0.5 s" in str(e) and "Wait for that process" in str(e) for e in errors)
    assert journal.read("SELECT name FROM events") == []  # reading never waits
    holder.kill()
    holder.communicate()
    journal.write([(INSERT, ("later", None))]).result(timeout=20)
    assert journal.read("SELECT name FROM events") == [("later",)]
    journal.close()


@pytest.mark.parametrize("left", [100, 4096, 40_960, 0.5, 0.9], ids=str)
def test_a_journal_that_was_cut_is_named_as_damaged_and_left_as_it_is(tmp_path, left):
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.write([(INSERT, (f"row {n}", "x" * 500)) for n in range(1000)]).result()
    journal.close()
    data = path.read_bytes()
    cut = data[: left if isinstance(left, int) else int(len(data) * left)]
    path.write_bytes(cut)
    with pytest.raises(StoreError, match=r"is damaged .*Put a copy back, or move it away"):
        Journal(path)
    assert path.read_bytes() == cut


def test_an_emptied_journal_beside_pictures_is_not_quietly_begun_anew(tmp_path):
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    (tmp_path / "pictures").mkdir()
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="empty file beside stored pictures"):
        Journal(path)
    path.unlink()
    Journal(path).close()
    assert path.stat().st_size > 0


@real_disk
def test_answers_that_were_paid_for_are_held_while_the_disk_is_full_and_kept_when_there_is_room(tmp_path):
    found = on_disk("answers", tmp_path, "16m")
    assert "make room" in found["told"]
    assert 0 < found["bought"] < 40
    assert found["statuses"] == ["ok"] * 40, found["errors"]
    assert sorted(found["calls"]) == sorted(f"picture {n}" for n in range(40)), "something was bought twice"
    assert found["at_risk"] == [0.0]
