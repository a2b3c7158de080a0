"""Lots are embedded by a real Ray cluster on this machine; whoever dies in it costs at most the lot in its hands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.clusters.ray_data import RayData
from tests.engine.models import until
from tests.engine.nodes import alive
from tests.retrieval.colours import pictures_in
from tests.retrieval.logged import LOT, Logged, add, embedded

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.ray
ROOT = Path(__file__).resolve().parents[2]
COUNT = 36


@pytest.fixture
def cluster() -> Iterator[None]:
    environment = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        runtime_env=environment, object_store_memory=100 * 2**20,
    )  # fmt: skip
    yield
    ray.shutdown()


def test_an_actor_that_is_killed_costs_its_lot_alone(cluster: None, tmp_path: Path) -> None:
    pictures_in(tmp_path / "photos", COUNT)
    log = tmp_path / "log"

    class KillsOne(RayData):
        killed = 0

        def spread(self, make, lots):  # type: ignore[no-untyped-def]
            for answer in super().spread(make, lots):
                if not self.killed:
                    self.killed = int(log.read_text().splitlines()[-1].split()[0])
                    os.kill(self.killed, signal.SIGKILL)
                yield answer

    engine = KillsOne(actors=2, num_cpus=0)  # none is asked for: another engine may hold all of them
    report = add(tmp_path, Logged(log, takes_s=0.3), engine)
    assert len(report.added) == COUNT  # type: ignore[attr-defined]
    pids = {line.split()[0] for line in log.read_text().splitlines()}
    assert str(os.getpid()) not in pids
    assert str(engine.killed) in pids
    assert len(pids) >= 2
    again = len(embedded(log)) - len(set(embedded(log)))
    assert again <= LOT  # the lot that was embedded, and not yet written, when its process died
    lib = ik.Library.open(tmp_path / "refs", embedder=Logged(log))
    assert lib.verify().ok
    assert len(lib.vectors) == COUNT


def test_a_driver_that_is_killed_leaves_what_was_embedded_to_the_next(tmp_path: Path) -> None:
    pictures_in(tmp_path / "photos", COUNT)
    script = (
        "import sys; from pathlib import Path; from imagegen_kit.clusters.ray_data import RayData\n"
        "from tests.retrieval.logged import Logged, add\n"
        "place = Path(sys.argv[1]); add(place, Logged(place / 'log', takes_s=1.0), RayData(actors=2))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = tmp_path / "log"
    driver = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    until(lambda: driver.poll() is not None or (log.exists() and len(embedded(log)) >= 3 * LOT), 180)
    assert driver.poll() is None
    driver.kill()
    driver.wait()
    actors = {int(line.split()[0]) for line in log.read_text().splitlines()}
    until(lambda: not any(map(alive, actors)))  # its raylet sees that it is gone, and ends them
    before = set(embedded(log))
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert done.returncode == 0
    everything = embedded(log)
    assert len(set(everything)) == COUNT
    assert len(everything) - COUNT <= 2 * LOT  # the lots in the hands of two actors
    assert before <= set(everything)
    lib = ik.Library.open(tmp_path / "refs", embedder=Logged(log))
    assert len(lib) == COUNT
    assert lib.verify().ok


@pytest.mark.ray
@pytest.mark.parametrize("said", ["ray", "the engine"])
def test_pictures_are_added_beside_an_engine_that_holds_all_processors(tmp_path: Path, said: str) -> None:
    pictures_in(tmp_path / "photos", 12)
    with ik.RayEngine(workers=2, store=tmp_path / "store") as engine:
        report = ik.Library.open(tmp_path / "refs").add(tmp_path / "photos", engine=engine if said != "ray" else "ray")
        assert len(report.added) == 12
