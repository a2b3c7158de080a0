"""A call that a worker has had answered gives its place to the next one while what it brought is being kept."""

from __future__ import annotations

import asyncio
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.calling import Answered
from imagegen_kit.engine.cluster.kits import Packing
from imagegen_kit.engine.cluster.orders import Ended, Order, Said
from imagegen_kit.engine.cluster.worker import Worker
from imagegen_kit.engine.engine import Engine
from imagegen_kit.registry import get_registry
from imagegen_kit.store import Store
from imagegen_kit.types import ImageRequest
from tests.engine.models import picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("own_registry")
REST_S = 0.3


class Slow(Engine):
    """Has every call answered at once, and brings nothing before ``most`` of them are: as a worker that keeps."""

    def __init__(self, store: Store, most: int, rest_s: float | None = None) -> None:
        super().__init__(store)
        self.most, self.rest_s, self.says = most, rest_s, True
        self.begun: list[float] = []
        self.all_begun = asyncio.Event()

    async def call(self, purchase: Any, progress: Any, key: Any) -> Any:
        self.begun.append(time.monotonic())
        if len(self.begun) == self.most:
            self.all_begun.set()
        reply = await super().call(purchase, progress, key)
        if self.says:
            await progress(Answered(self.rest_s))
        await asyncio.wait_for(self.all_begun.wait(), 5 if self.says else 0.5)
        await progress(Answered())  # said once more, or too late: nobody minds
        return reply


@pytest.fixture
def pair() -> ik.Experiment:
    ik.register(lambda request: picture(len(request.prompt)), model="me/free")
    policy = ik.Policy(concurrency=1, attempts=1)
    return ik.Experiment(vary={"prompt": ["a", "bb"]}, fixed={"model": "me/free"}, policy=policy)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_next_call_is_made_while_the_last_one_is_kept(pair: ik.Experiment, store: Store) -> None:
    engine = Slow(store, most=2)
    run = pair.run(engine=engine, progress=False)
    assert run.table()["status"].tolist() == ["ok", "ok"]
    engine.close()


def test_without_a_word_of_it_one_at_a_time_means_until_the_end(pair: ik.Experiment, store: Store) -> None:
    engine = Slow(store, most=2)
    engine.says = False
    run = pair.run(engine=engine, progress=False)
    assert run.table()["status"].tolist()[0] != "ok", "the second call was made while the first held the only place"
    engine.close()


def test_a_service_that_asks_for_rest_has_it_before_the_next_call(pair: ik.Experiment, store: Store) -> None:
    engine = Slow(store, most=2, rest_s=REST_S)
    run = pair.run(engine=engine, progress=False)
    assert run.table()["status"].tolist() == ["ok", "ok"]
    assert engine.begun[1] - engine.begun[0] >= REST_S
    engine.close()


def test_a_worker_says_that_the_answer_is_there_before_it_has_kept_it(tmp_path: Path) -> None:
    ik.register(lambda request: picture(1), model="me/free")
    kit = Packing(b"s" * 16).kit(get_registry().model("me/free", today=date.min).provider)
    sent = ImageRequest(prompt="a fox", model="me/free").to_plain()
    order = Order(7, kit.provider, "me/free", sent, 5.0, None, None, "key", None)

    async def talk() -> None:
        worker = Worker(str(tmp_path), "token")
        await worker.equip(kit)
        kept, go_on = worker._in_thread, asyncio.Event()

        async def held(keep: Any) -> Any:
            await go_on.wait()
            return await kept(keep)

        worker._in_thread = held  # type: ignore[method-assign]  # a disk that takes its time
        assert await worker.take([order]) == [Said(7, Answered(None))]
        go_on.set()
        (ended,) = await worker.hear()
        assert isinstance(ended, Ended)
        assert ended.reply is not None
        assert ended.reply.kept is not None
        worker._threads.shutdown()

    asyncio.run(asyncio.wait_for(talk(), 20))
