"""Clean-up of many files beside a process that is using some of them: what that process shows is never taken."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagegen_kit.store import Store
from imagegen_kit.store.clean import clean
from tests.reliability.reusing import ARTIFACT, RESULT

ROOT = Path(__file__).resolve().parents[2]
OLD = "2026-01-01T00:00:00.000+00:00"
SINGLE = "INSERT INTO runs VALUES (1, 'single', NULL, 'r', '', '{}', 1, 'mine', '{}', '2026-01-01')"


def fill(store: Store, files: int) -> set[str]:
    """Put ``files`` small pictures of a single call into the store, without waiting for the disk, and their rows."""
    hashes, rows = set(), [(SINGLE, ())]
    for number in range(files):
        data = f"picture {number} ".encode() * 20
        sha256 = hashlib.sha256(data).hexdigest()
        path = store.blobs.path(sha256, "png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        hashes.add(sha256)
        rows += [(ARTIFACT, (sha256, len(data), OLD)), (RESULT, (number, 1, "ok", sha256, OLD))]
    store.journal.write(rows).result()
    return hashes


@pytest.mark.alone
@pytest.mark.parametrize("files", [2_000, pytest.param(10_000, marks=pytest.mark.soak)], ids="{} files".format)
def test_what_another_process_shows_meanwhile_stays_and_all_else_goes(tmp_path, files):
    store = Store(tmp_path / "s")
    old = fill(store, files)
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.reusing", str(store.path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert other.stdout is not None
    said = [other.stdout.readline().strip() for _ in range(20)]
    now = datetime(2026, 5, 1, tzinfo=UTC)
    start = time.monotonic()
    frame = clean(store, older_than="30d", apply=True, now=now, grace_s=1.0)
    seconds = time.monotonic() - start
    other.terminate()
    said += [line for line in other.communicate()[0].split("\n")[:-1] if line]
    shown = {s for (s,) in store.journal.read("SELECT sha256 FROM results WHERE run = 2")}
    assert set(said) <= shown
    lost = [s for s in shown if store.blobs.size(s, "png") is None]
    assert lost == []
    assert {s for s in old if store.blobs.size(s, "png") is not None} == shown & old
    assert set(frame.loc[frame["removed"], "sha256"]) == old - shown
    assert store.journal.read("SELECT COUNT(*) FROM artifacts WHERE removed_at IS NOT NULL") == [(len(old - shown),)]
    assert store.journal.read("SELECT COUNT(*) FROM results WHERE run = 1") == [(files,)]
    assert {"missing picture", "damaged picture"}.isdisjoint(store.doctor()["kind"])
    store.close()
    print(f"{files} files, {len(shown & old)} shown again, {len(old - shown)} removed in {seconds:.1f} s")
