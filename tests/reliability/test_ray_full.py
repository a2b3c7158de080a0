"""A cluster whose object store another job has filled: calls carry hashes and words and need none of it.

References and code that a cell registers do need some: that waits, goes to the disk, or is refused in plain words.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import StoreError
from tests.engine.models import picture, until
from tests.reliability.ray_driver import of_lab
from tests.reliability.ray_hoarder import Hoarder
from tests.reliability.services import lab_at_work
from tests.retrieval.colours import pictures_in
from tests.retrieval.logged import Logged, add, embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.engine.ray_engine import RayEngine
    from tests.reliability.services import Lab

pytestmark = pytest.mark.ray
ROOT = Path(ik.__file__).parents[1]
LONG = " and a word" * 2_000  # 22 KB: what waits for a worker is more than one call of Ray carries by itself
CELLS = 240
COUNT = 24  # pictures, in lots of 6
NO_DISK = {"local_fs_capacity_threshold": 0.0001}  # Ray takes a disk of which so much is used for full


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with lab_at_work(monkeypatch, latency=0.3) as sim:
        yield sim


@contextmanager
def cluster(store: Path, **head: Any) -> Iterator[tuple[RayEngine, str, Hoarder]]:
    from tests.engine.nodes import Nodes

    nodes = Nodes(1, spare=1, **head)
    try:
        with ik.RayEngine(nodes.address, workers=2, store=store) as engine, Hoarder(nodes.address, ROOT) as hoarder:
            until(lambda: len(engine.workers()) == 2)
            yield engine, nodes.address, hoarder
    finally:
        nodes.end()


def bought_while_it_fills(engine: RayEngine, hoarder: Hoarder, lab: Lab) -> int:
    """Fill the object store in the middle of a run, see that nothing is lost, and return the bytes that fill it."""
    workers = engine.workers()
    run = of_lab(CELLS, words=LONG, policy=ik.Policy(concurrency=20)).start(engine=engine)
    until(lambda: len(lab.submits) >= 4)
    held = hoarder.fill()
    assert run.running, "the store was full before the run had ended"
    run.wait()
    assert (run.table()["status"] == "ok").all()
    assert dict(lab.accepted_by_prompt) == {f"picture {n}{LONG}": 1 for n in range(CELLS)}
    assert engine.workers() == workers, "no worker was given up"
    return held


class FillsUp:
    """The engine, with the object store full from the first lot that comes back."""

    def __init__(self, engine: RayEngine, hoarder: Hoarder) -> None:
        self._engine, self._hoarder = engine, hoarder

    def spread(self, make: Any, pieces: Any) -> Iterator[Any]:
        for number, answer in enumerate(self._engine.spread(make, pieces)):
            if number == 0:
                self._hoarder.fill()
            yield answer


def test_calls_and_references_go_on_where_a_full_object_store_spills(tmp_path: Path, lab: Lab) -> None:
    pictures_in(tmp_path / "photos", COUNT)
    with cluster(tmp_path / "store") as (engine, _, hoarder):
        assert bought_while_it_fills(engine, hoarder, lab) > 80 * 2**20
        report: Any = add(tmp_path, Logged(tmp_path / "log"), engine)
        assert (len(report.added), report.rejected) == (COUNT, ())
    assert len(embedded(tmp_path / "log")) == COUNT
    assert ik.Library.open(tmp_path / "refs", embedder=Logged(tmp_path / "log")).verify().ok


def test_calls_go_on_where_nothing_more_can_be_laid_down_and_the_rest_says_so(
    tmp_path: Path, lab: Lab, own_registry: None
) -> None:
    pictures_in(tmp_path / "photos", COUNT)
    weights, png = os.urandom(300_000), picture(5)

    def draw(request: Any) -> bytes:
        assert len(weights) == 300_000
        return png

    ik.register(draw, model="me/heavy", seed=True)
    with cluster(tmp_path / "store", _system_config=NO_DISK) as (engine, address, hoarder):
        assert bought_while_it_fills(engine, hoarder, lab) > 75 * 2**20
        refused = ik.run(ik.recipes.image, prompt="a cup", model="me/heavy", engine=engine).results[0]
        assert "object store is full" in str(refused.error)
        with pytest.raises(StoreError, match=r"object store is full.*`ray memory`.*do the same again"):
            add(tmp_path, Logged(tmp_path / "log"), engine)
        hoarder.end()
        with Hoarder(address, ROOT) as another:
            report: Any = add(tmp_path, Logged(tmp_path / "log", takes_s=0.5), FillsUp(engine, another))
        assert (len(report.added), report.rejected) == (COUNT, ())
        assert ik.run(ik.recipes.image, prompt="a cup", model="me/heavy", engine=engine).results[0].ok
    assert len(embedded(tmp_path / "log")) == COUNT
    assert ik.Library.open(tmp_path / "refs", embedder=Logged(tmp_path / "log")).verify().ok
