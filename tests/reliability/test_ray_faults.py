"""What befalls a cluster while it spends money: nodes that go, a session that is killed, a ledger that is locked.

The service's own list of what it took is the judge.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.store.remote import Remote
from tests.engine.models import until
from tests.engine.nodes import alive
from tests.reliability.ray_driver import experiment, of_lab
from tests.reliability.services import PRICE, lab_at_work, variables
from tests.store.object_servers import rclone
from tests.store.sending import URL, set_keys, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.engine.ray_engine import RayEngine
    from tests.engine.nodes import Nodes
    from tests.reliability.services import Lab

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    from tests.engine.nodes import Nodes

    found = Nodes(4)
    yield found
    found.end()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with lab_at_work(monkeypatch, latency=0.3) as sim:
        yield sim


@pytest.fixture
def engine(nodes: Nodes, tmp_path: Path, lab: Lab) -> Iterator[RayEngine]:
    with ik.RayEngine(nodes.address, workers=4, store=tmp_path / "store") as engine:
        until(lambda: len(engine.workers()) == 4)
        yield engine


def test_four_nodes_that_race_never_exceed_the_budget(engine: RayEngine, lab: Lab) -> None:
    run = of_lab(80, budget_usd=1.0, policy=ik.Policy(concurrency=40)).run(engine=engine, progress=False)
    assert len(lab.ledger.accepted) == 25
    assert lab.charged_usd <= 1.0 + 1e-9
    assert run.table()["cost_usd"].sum() == pytest.approx(1.0)
    assert max(lab.accepted_by_prompt.values()) == 1


def test_a_ledger_that_is_locked_is_waited_for_and_nothing_is_bought_twice(engine: RayEngine, lab: Lab) -> None:
    run = of_lab(24, policy=ik.Policy(concurrency=8)).start(engine=engine)
    until(lambda: len(lab.submits) >= 8)
    other = sqlite3.connect(engine.store.path / "journal.sqlite", isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    before = len(lab.submits)
    time.sleep(3.0)
    assert len(lab.submits) - before <= 8, "something was sent that the ledger does not know"
    other.execute("ROLLBACK")
    other.close()
    run.wait()
    assert (run.table()["status"] == "ok").all()
    assert dict(lab.accepted_by_prompt) == {f"picture {n}": 1 for n in range(24)}


def test_a_node_that_goes_in_the_middle_takes_nothing_with_it(nodes: Nodes, engine: RayEngine, lab: Lab) -> None:
    run = of_lab(60, policy=ik.Policy(concurrency=12, attempts=4)).start(engine=engine)
    until(lambda: len(lab.submits) >= 16)
    nodes.remove(nodes.others.pop())
    nodes.others.append(nodes.add())
    run.wait()
    lost = int((run.table()["status"] != "ok").sum())
    assert lost <= 4, "no more than what one of four workers held between sending and hearing the job's name"
    assert max(lab.accepted_by_prompt.values()) == 1
    assert run.table()["cost_usd"].sum() == pytest.approx((60 - lost) * PRICE)
    until(lambda: len(engine.workers()) == 4)


def test_a_session_that_is_killed_is_gone_on_with_and_buys_nothing_twice(
    nodes: Nodes, tmp_path: Path, lab: Lab
) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "tests.reliability.ray_driver", nodes.address, str(store), "30"]
    driver = subprocess.Popen(
        command, env={**os.environ, **variables(lab)}, start_new_session=True, cwd=_ROOT, stdout=subprocess.PIPE
    )
    assert driver.stdout is not None
    try:
        said = next(line for line in driver.stdout if line.startswith(b"workers "))  # Ray may tell of nodes before
        workers = [int(word) for word in said.split()[1:]]
        until(lambda: len(lab.submits) >= 10 or driver.poll() is not None)
        assert [alive(worker) for worker in workers] == [True, True]
    finally:
        driver.kill()
        driver.communicate()
    sent = len(lab.submits)
    assert 10 <= sent < 30
    until(lambda: not any(map(alive, workers)), 20)
    assert len(lab.submits) <= sent + 4, "no more than what was under way"
    with ik.RayEngine(nodes.address, workers=2, store=store) as engine:
        run = experiment(30).run(engine=engine, progress=False)
        assert run.done == 30
        lost = int((run.table()["status"] == "unknown").sum())
    assert lost <= 4, "no more than what was open"
    assert max(lab.accepted_by_prompt.values()) == 1
    assert len(lab.accepted_by_prompt) >= 30 - lost


def test_a_storage_that_is_down_for_ten_seconds_costs_no_picture_and_has_all_of_them_in_the_end(
    nodes: Nodes, tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = rclone(tmp_path / "objects").start()
    set_keys(monkeypatch, storage.endpoint)
    ik.configure(remote=URL)
    try:
        with ik.RayEngine(nodes.address, workers=4, store=tmp_path / "store") as engine:
            until(lambda: len(engine.workers()) == 4)
            run = of_lab(200, policy=ik.Policy(concurrency=6)).start(engine=engine)
            until(lambda: states(engine.store).count("done") >= 5)
            storage.kill()
            arrived, made = states(engine.store).count("done"), run.done
            time.sleep(10.0)
            assert states(engine.store).count("done") <= arrived + 4, "no more than what was on its way"
            assert run.done > made + 20, "the run does not wait for it"
            assert run.running
            storage.start()
            run.wait()
            table = run.table()
            assert (table["status"] == "ok").all()
            assert dict(lab.accepted_by_prompt) == {f"picture {n}": 1 for n in range(200)}
            until(lambda: set(states(engine.store)) == {"done"}, 120)
            remote = Remote(URL)
            assert {remote.get(name) for name in remote.list()} == {Path(path).read_bytes() for path in table["path"]}
            assert len(remote.list()) == len(set(table["path"]))
    finally:
        storage.kill()


def test_two_sessions_of_one_store_share_what_they_buy(nodes: Nodes, engine: RayEngine, lab: Lab) -> None:
    run = of_lab(20, policy=ik.Policy(concurrency=4)).start(engine=engine)
    answers: list[Any] = []

    def ask() -> None:
        from imagegen_kit.engine.engine import Engine
        from imagegen_kit.store import Store

        beside = Engine(Store(engine.store.path))
        try:
            for n in range(20):
                answers.append(
                    ik.run(ik.recipes.image, prompt=f"picture {n}", model="lab/one", engine=beside).results[0]
                )
        finally:
            beside.close()

    other = threading.Thread(target=ask)
    other.start()
    run.wait()
    other.join()
    assert [answer.ok for answer in answers] == [True] * 20
    assert dict(lab.accepted_by_prompt) == {f"picture {n}": 1 for n in range(20)}


_ROOT = ik.__file__.rpartition("/imagegen_kit/")[0]
