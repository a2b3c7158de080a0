"""A writer that is killed at any step leaves everything as it was, or as it was to be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.retrieval.index import AnnRecord, Segment, VectorSearch
from imagegen_kit.retrieval.index.vectors import faults_of, leftovers
from tests.retrieval.vectors import DIMENSION, brute, clustered, recall
from tests.retrieval.writer import ROWS

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("writer.py")
NEVER = 10**9


def write(folder: Path, step: int) -> subprocess.CompletedProcess[str]:
    """Let another process write on; it dies at the step of that number."""
    command = [sys.executable, str(WRITER), str(folder), str(step)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def look(folder: Path) -> int:
    """Open what the manifest names, compare its answers with comparing all, and return how many segments there are."""
    plain = json.loads((folder / "manifest.json").read_text())
    segments = [Segment.from_plain(s, folder / "vectors") for s in plain["segments"]]
    assert [fault for segment in segments for fault in faults_of(segment, DIMENSION)] == []
    record = AnnRecord.from_plain(plain["ann"])
    search = VectorSearch.open(folder / "index", segments, dimension=DIMENSION, ann=record)
    assert (search.kind, search.note) == ("ivf-sq8", "")
    vectors, queries = np.concatenate([clustered(ROWS, seed=s.number) for s in segments]), clustered(10, seed=77)
    wanted = brute(vectors, np.arange(len(vectors)), queries, 10)[0]
    assert recall(search.search(queries, 10).ids, wanted) >= 0.98
    return len(segments)


def kill_at(folder: Path, step: int) -> int:
    """Kill a writer at this step, look at what it left, write to the end, and return how many segments it left."""
    died = write(folder, step)
    assert died.returncode == -signal.SIGKILL, died.stderr
    between = look(folder)
    done = write(folder, NEVER)
    assert done.returncode == 0, done.stderr
    assert look(folder) == between + 2
    segments = [Segment.from_plain(s, folder) for s in json.loads((folder / "manifest.json").read_text())["segments"]]
    assert leftovers(folder / "vectors", segments) == []
    assert not list((folder / "index").glob(".writing-*"))
    assert len(list((folder / "index").glob("*.faiss"))) <= 2
    return between


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, int]:
    """A folder with two segments and their index, and how many steps a writer takes to write two more."""
    folder = tmp_path / "library"
    (folder / "vectors").mkdir(parents=True)
    assert write(folder, NEVER).returncode == 0
    assert look(folder) == 2
    counted = write(folder, NEVER)
    assert look(folder) == 4
    return folder, int(counted.stdout)


def test_a_writer_killed_early_late_and_between_loses_nothing(written: tuple[Path, int]) -> None:
    folder, steps = written
    assert steps > 20
    for share in (0.1, 0.5, 0.9):
        kill_at(folder, max(1, int(steps * share)))


@pytest.mark.soak
def test_a_writer_killed_at_every_step_loses_nothing(written: tuple[Path, int]) -> None:
    folder, steps = written
    before = 4
    for step in range(1, steps + 1):
        between = kill_at(folder, step)
        assert between == before
        before = between + 2
        if before > 24:  # start anew, so that the last step is not the dearest
            for path in sorted(folder.rglob("*"), reverse=True):
                if path.is_file():
                    path.unlink()
            assert write(folder, NEVER).returncode == 0
            assert write(folder, NEVER).returncode == 0
            before = look(folder)
