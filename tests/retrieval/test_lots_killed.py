"""A process that is killed while it adds pictures in lots goes on where it was, and embeds nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.errors import ObjectStoreError
from imagegen_kit.retrieval.lots.buckets import WAITS_S, patiently
from tests.retrieval.colours import pictures_in
from tests.retrieval.logged import Logged, add, embedded
from tests.store.object_servers import ACCESS, BUCKET, SECRET, rclone

ROOT = Path(__file__).resolve().parents[2]
COUNT = 24  # in 4 lots of 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures_in(tmp_path / "photos", COUNT)
    return tmp_path


def test_what_a_killed_process_had_embedded_is_not_embedded_again(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.retrieval.logged", str(folder), "3"]
    died = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert died.returncode == -signal.SIGKILL
    before = embedded(folder / "log")
    assert len(before) == 12  # two lots; the third had begun
    report = add(folder, Logged(folder / "log"), Here())
    assert len(report.added) + len(report.duplicates) == COUNT  # type: ignore[attr-defined]
    everything = embedded(folder / "log")
    assert everything[:12] == before
    assert len(everything) == len(set(everything)) == COUNT
    lib = ik.Library.open(folder / "refs", embedder=Logged(folder / "log"))
    assert (len(lib), len(lib.vectors)) == (COUNT, COUNT)
    assert lib.verify().ok


def test_a_real_storage_that_is_down_while_its_pictures_are_read_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = rclone(tmp_path / "objects")
    pictures_in(tmp_path / "objects" / BUCKET / "refs", 12)
    for name, value in (("ACCESS_KEY", ACCESS), ("SECRET_KEY", SECRET), ("ENDPOINT", server.endpoint)):
        monkeypatch.setenv(f"S3_{name}", value)
    server.start()
    back = threading.Timer(1.5, server.start)

    class GoesDown(Here):
        def spread(self, make, lots):  # type: ignore[no-untyped-def]
            server.kill()
            back.start()
            return super().spread(make, lots)

    try:
        lib = ik.Library.open(tmp_path / "refs", embedder=Logged(tmp_path / "log"))
        report = lib.add(f"s3://{BUCKET}/refs", engine=GoesDown())
    finally:
        back.join()
        server.kill()
    assert (len(report.added), report.rejected) == (12, ())
    assert lib.verify().ok


def test_a_storage_that_is_down_for_a_while_is_waited_for_and_asked_again() -> None:
    waited: list[float] = []
    answers = iter([ObjectStoreError("down", retryable=True)] * 4 + [b"here"])

    def ask() -> bytes:
        answer = next(answers)
        if isinstance(answer, ObjectStoreError):
            raise answer
        return answer

    assert patiently(ask, sleep=waited.append) == b"here"
    assert waited == list(WAITS_S[:4])
    refused = [ObjectStoreError("no such key")]
    with pytest.raises(ObjectStoreError, match="no such key"):
        patiently(lambda: (_ for _ in ()).throw(refused[0]), sleep=waited.append)
    assert len(waited) == 4
    assert sum(WAITS_S) >= 30
