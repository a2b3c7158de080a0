"""kill -9 in the middle of each recipe, and the same again: what was made is there, and nothing is bought twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.models import until
from tests.recipes.interrupted import ASKED, experiment, model_of
from tests.reliability.children import ROOT

# What hung may have been paid, and is not sent again; what hangs on it is not there.
STATUSES = {
    "call_scene": {"ok": 2, "unknown": 1},
    "scene_batch": {"ok": 4, "unknown": 1},
    "concept_sketches": {"ok": 3, "unknown": 1},
    "avatars": {"ok": 6, "unknown": 1},
    "keyframes": {"ok": 3, "unknown": 1},
}
CALLS = {"call_scene": 3, "scene_batch": 5, "concept_sketches": 4, "avatars": 3, "keyframes": 4}


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory) -> Path:
    """The folder of a process that was killed in the middle of all five recipes."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "tests.recipes.interrupted"], cwd=folder, env=environment)
    stops = {name: last for name, (*_, last) in ASKED.items()}
    stored = "SELECT a.model, COUNT(*) FROM attempts a WHERE a.state = 'stored' GROUP BY 1"

    def lines(name: str) -> int:
        log = folder / f"{name}.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def is_half_way() -> bool:
        if process.poll() is not None:
            return True
        if {name: lines(name) for name in ASKED} != stops:
            return False
        with sqlite3.connect(folder / "imagegen-store" / "journal.sqlite") as journal:
            return dict(journal.execute(stored)) == {model_of(name): last - 1 for name, last in stops.items()}

    try:
        until(is_half_way, seconds=60)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    return folder


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("name", ASKED)
def test_a_recipe_that_was_killed_in_the_middle_goes_on_and_buys_nothing_twice(name, left_behind, tmp_path):
    shutil.copytree(left_behind, tmp_path, dirs_exist_ok=True)
    run = experiment(name, stops=False).run(progress=False)
    table = run.table()
    assert dict(Counter(table.status)) == STATUSES[name]
    asked = (tmp_path / f"{name}.log").read_text().splitlines()
    assert len(asked) == len(set(asked)) == CALLS[name]
    assert table.cost_usd[table.status == "ok"].fillna(-1).between(0, 0.02).all()
