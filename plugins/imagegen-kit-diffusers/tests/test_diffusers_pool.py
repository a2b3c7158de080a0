"""Workers of their own for local models: loaded once each, filled with what all cells ask, replaced where they die."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.registry import reset_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imagegen_kit.engine.ray_engine import RayEngine

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(os.environ.get("IMAGEGEN_RAY") != "1", reason="needs a cluster: make ray-test runs it"),
]
IDLE_S = 4.0


@pytest.fixture(scope="module")
def engine(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayEngine]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MODELS", "DEVICE", "BATCH"):
            value = {"MODELS": f"tiny={tiny}", "DEVICE": "cpu", "BATCH": "4"}[name]
            patch.setenv(f"IMAGEGEN_DIFFUSERS_{name}", value)
        settings.reset()
        reset_registry()
        pool = {"least": 1, "most": 2, "num_cpus": 1, "idle_s": IDLE_S}
        place = tmp_path_factory.mktemp("shared") / "store"
        with ik.RayEngine(workers=1, pools={"diffusers": pool}, store=place) as engine:
            yield engine
    reset_registry()


@pytest.fixture(autouse=True)
def _settings(tiny: Path, monkeypatch: pytest.MonkeyPatch, engine: RayEngine) -> None:
    monkeypatch.setenv("IMAGEGEN_DIFFUSERS_MODELS", f"tiny={tiny}")
    monkeypatch.setenv("IMAGEGEN_DIFFUSERS_DEVICE", "cpu")
    monkeypatch.setenv("IMAGEGEN_DIFFUSERS_BATCH", "4")


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def drawn(cells: int, steps: int, **more: Any) -> ik.Experiment:
    return ik.Experiment(
        vary={"seed": list(range(cells))},
        fixed={"prompt": "a cat", "model": "diffusers/tiny", "size": (64, 64), "steps": steps}, **more,
    )  # fmt: skip


def test_a_pool_grows_with_the_work_draws_batches_across_cells_and_shrinks_again(engine: RayEngine) -> None:
    until(lambda: len(engine.workers()) == 2)  # the general one, and the least of the pool
    run = drawn(40, 30).start(engine=engine)
    until(lambda: len(engine.workers()) == 3)
    run.wait()
    table = run.table()
    assert (table["status"] == "ok").all()
    assert table["sha256"].nunique() == 40
    assert table["cost_usd"].sum() == 0
    until(lambda: len(engine.workers()) == 2, IDLE_S + 30)


def test_a_picture_is_the_same_as_without_a_cluster(engine: RayEngine, tmp_path: Path) -> None:
    there = drawn(1, 3, name="there").run(engine=engine, progress=False)
    ik.configure(store=tmp_path / "here")
    here = drawn(1, 3, name="here").run(progress=False)
    assert there.table()["sha256"].tolist() == here.table()["sha256"].tolist()


def test_what_a_killed_worker_was_drawing_is_drawn_by_the_next(engine: RayEngine) -> None:
    until(lambda: len(engine.workers()) >= 2)
    run = drawn(24, 31, name="killed", policy=ik.Policy(attempts=4)).start(engine=engine)
    until(lambda: run.done >= 2)
    os.kill(engine.workers()[-1][1], signal.SIGKILL)
    run.wait()
    assert (run.table()["status"] == "ok").all()
    assert run.table()["sha256"].nunique() == 24
