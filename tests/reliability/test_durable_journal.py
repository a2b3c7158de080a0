"""Done means durable: with two writers at work, killing one again and again loses no acknowledged row."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from imagegen_kit.store.journal import Journal

ROOT = Path(__file__).resolve().parents[2]


def writer(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.acknowledging", str(path), name],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def kill(victim: subprocess.Popen[str]) -> list[str]:
    """Kill it and return what it had acknowledged; a line that it could not finish was not."""
    victim.send_signal(signal.SIGKILL)
    said = victim.communicate()[0].split("\n")[:-1]
    assert victim.returncode == -signal.SIGKILL
    return [line for line in said if line]


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.soak)], ids="{} kills".format)
def test_no_acknowledged_row_is_lost_and_none_is_half_there(tmp_path, kills):
    path, luck = tmp_path / "journal.sqlite", random.Random(kills)
    Journal(path).close()
    said: list[str] = []
    writers = [writer(path, f"w{n}") for n in range(2)]
    for number in range(kills):
        victim = writers.pop(0)  # the one that has worked longer
        assert victim.stdout is not None
        said.append(victim.stdout.readline().strip())  # it is at work
        time.sleep(luck.uniform(0, 0.15))
        said += kill(victim)
        writers.append(writer(path, f"w{number + 2}"))
        journal = Journal(path)
        rows = Counter(name for (name,) in journal.read("SELECT name FROM events"))
        sound = journal.read("PRAGMA integrity_check")
        journal.close()
        assert set(said) - set(rows) == set()
        assert set(rows.values()) == {2}
        assert sound == [("ok",)]
    for left in writers:
        said += kill(left)
    journal = Journal(path)
    lost = set(said) - {name for (name,) in journal.read("SELECT name FROM events")}
    journal.close()
    assert lost == set()
    assert len(said) >= kills
    print(f"{kills} kills, {len(said)} rows acknowledged, {len(lost)} lost")
