"""Writers that are killed at any step, two writers at once, and readers meanwhile: real processes, real kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import imagegen_kit as ik
from tests.retrieval.colours import Colours, drawn

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def kills(folder: Path, count: int) -> list[dict[str, Any]]:
    (folder / "base").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.retrieval.killing", str(folder / "base"), str(count)],
        capture_output=True, text=True, env=ENVIRONMENT, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps, *told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(steps["steps"]) > 150
    assert len(told) == count
    return told


def check(kill: dict[str, Any]) -> None:
    """Nothing that was acknowledged is lost, nothing is half done, and all is sound after a repair."""
    assert (kill["code"], kill["opened"]) == (-9, 0), kill
    ids, captions, said = set(kill["ids"]), kill["captions"], set(kill["said"])
    assert {line.split(":")[0] for line in kill["found"]} <= {"left-over", "manifest"}
    assert (kill["searched"], kill["repaired"], kill["left"], kill["parts"]) == (len(ids), True, [], [])
    new = [id for id in sorted(ids) if id.startswith("p") and int(id[1:]) >= 20]
    acknowledged = max((int(line.split()[1]) for line in said if line.startswith("added")), default=0)
    assert len(new) >= acknowledged
    assert len(new) % 8 == 0  # whole batches
    assert all(captions[f"p{n}"] == "newer" for n in range(20, 24) if "reworded" in said)
    early = {f"p{n:02}" for n in range(12)} & ids
    assert early == set() if "removed" in said else len(early) in (0, 12)
    assert {f"p{n}" for n in range(12, 20) if n != 15} <= ids
    assert len({"p15", "renamed"} & ids) == 1
    assert "updated" not in said or captions.get("renamed") == "changed"
    assert kill["again"] == [0, f"[{len(early) + 8 + 24}, true]"]


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    for kill in kills(tmp_path, 5):
        check(kill)


@pytest.mark.soak
def test_sixty_kills_at_every_kind_of_step_lose_nothing(tmp_path: Path) -> None:
    told = kills(tmp_path, 60)
    assert len({kill["step"].split()[0] for kill in told}) >= 6
    for kill in told:
        check(kill)


@contextmanager
def adding(folder: Path, first: int, count: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.retrieval.sharing", str(folder), str(first), str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder.parent,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def lines(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.read().splitlines()


def test_two_writers_take_turns_and_both_are_kept(tmp_path: Path) -> None:
    with adding(tmp_path / "refs", 0, 40) as one, adding(tmp_path / "refs", 20, 40) as other:
        start(one)
        start(other)
        added = [int(lines(process)[-1].split()[1]) for process in (one, other)]
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    assert sum(added) == len(library) == 60  # twenty pictures were given by both
    assert library.verify().findings == ()
    assert len(library.vectors) == 60


def test_a_reader_sees_whole_batches_of_a_writer_at_its_next_call(tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    assert len(library) == 0
    seen: list[int] = []
    with adding(tmp_path / "refs", 0, 80) as writer:
        start(writer)
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.startswith("added"):
                break
            numbers = library.numbers()
            seen.append(len(numbers))
            assert len(numbers) >= int(line)
            assert [item.id for item in library.items(numbers)] == [f"p{n}" for n in range(len(numbers))]
            search = library.vectors
            assert len(search) >= len(numbers)
            assert search.search(search.vectors_of(numbers[-1:]), 1).ids.tolist() == [[numbers[-1]]]
            library.get("p0")
    assert all(n % 8 == 0 for n in seen)
    assert seen == sorted(seen)
    assert len(library) == 80


FULL = """
import resource, sys
from pathlib import Path
import imagegen_kit as ik
from imagegen_kit.retrieval.library import adding
from tests.corpus import textured
from tests.retrieval.colours import Colours, drawn
adding.BATCH = 8
folder = Path(sys.argv[1])
library = ik.Library.open(folder, embedder=Colours())
library.add([drawn(n) for n in range(8)])
size = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    library.add([*(drawn(n) for n in range(8, 16)), textured(300, 200)], caption="x" * int(sys.argv[3]))
except ik.errors.StoreError as error:
    print(error)
print(len(library), library.verify().ok)
"""


@pytest.mark.parametrize(
    ("limit", "letters", "words"),
    [(100_000, 0, "could not be written: File too large"), (140_000, 50_000, "could not be written")],
    ids=["a picture", "the database"],
)
def test_a_full_disk_is_told_and_what_was_there_stays(limit: int, letters: int, words: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "refs"), str(limit), str(letters)],
        capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    error, *_, last = done.stdout.splitlines()
    assert words in error
    library = ik.Library.open(tmp_path / "refs", embedder=Colours())
    assert len(library) in (8, 16)
    assert last.startswith(str(len(library)))
    assert library.verify(repair=True).ok
    assert library.verify().findings == ()
    library.add([drawn(n) for n in range(20)])
    assert len(library) == 20
