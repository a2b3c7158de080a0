"""The conversation with a worker, without a cluster: somebody always listens, and news come together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from imagegen_kit.engine.cluster.kits import Kit
from imagegen_kit.engine.cluster.link import Link
from imagegen_kit.engine.cluster.orders import Ended, Order, Said, told
from imagegen_kit.engine.cluster.worker import EARS, PATIENCE_S, TOGETHER, Worker
from imagegen_kit.errors import InvalidReply
from imagegen_kit.settings import Surroundings


class Method:
    """A method of an actor as Ray calls it: ``remote`` returns what is awaited."""

    def __init__(self, function: Any) -> None:
        self.remote = function


class Desk:
    """An actor whose answers the test gives."""

    def __init__(self) -> None:
        self.open: list[asyncio.Future[list[Any]]] = []
        self.orders: list[Order] = []
        self.about, self.equip = Method(self._about), Method(self._done)
        self.take, self.hear = Method(self._take), Method(self._hear)

    async def _about(self) -> tuple[str, int]:
        return ("here", 1)

    async def _done(self, *_: Any) -> None:
        return None

    def _hear(self) -> asyncio.Future[list[Any]]:
        self.open.append(asyncio.get_running_loop().create_future())
        return self.open[-1]

    def _take(self, orders: list[Order]) -> asyncio.Future[list[Any]]:
        self.orders += orders
        return self._hear()


def order(attempt: int) -> Order:
    return Order(attempt, "me", "me/one", {}, 1.0, None, None, "key", None)


def kit() -> Kit:
    return Kit("me", "1", b"", ".", Surroundings({}, {}, {}, None), None)


async def ignore(_: Any) -> None:
    return None


def failed(attempt: int) -> Ended:
    return Ended(attempt, None, told(InvalidReply(f"call {attempt} failed")))


@pytest.mark.parametrize("together", [1, 2, 3])
def test_somebody_listens_after_answers_that_come_together(together: int) -> None:
    async def talk() -> None:
        desk = Desk()
        link = Link(desk, lambda *_: None)
        await link.start()
        calls = []
        for attempt in range(together):
            calls.append(asyncio.create_task(link.make(order(attempt), kit(), ignore)))
            while len(desk.orders) <= attempt:
                await asyncio.sleep(0.001)
        assert len(desk.open) == together + 1
        for attempt, ear in enumerate(desk.open):
            ear.set_result([failed(attempt)])
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [str(error) for error in ended] == [f"call {n} failed" for n in range(together)]
        assert [ear.done() for ear in desk.open[together + 1 :]] == [False], "one of them listens again, and one alone"
        link.end()

    asyncio.run(asyncio.wait_for(talk(), 10))


def said(number: int) -> Said:
    return Said(number, f"news {number}")


def test_news_wait_a_little_for_others_and_all_of_them_are_told_once(tmp_path: Any) -> None:
    async def talk() -> None:
        worker = Worker(str(tmp_path), "token")
        worker._calls = dict.fromkeys(range(4 * TOGETHER))  # type: ignore[arg-type]  # so much is held
        ears = [asyncio.create_task(worker.hear()) for _ in range(3)]
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        worker.tell(said(1))
        assert await ears[0] == [said(1)]
        assert loop.time() - begun >= PATIENCE_S, "one of many waits for others"
        for number in range(2, 6):
            worker.tell(said(number))
        assert await ears[1] == [said(number) for number in range(2, 6)]
        worker._calls = {}
        worker.tell(said(6))
        assert await ears[2] == [said(6)]
        worker.tell(said(7))
        assert await worker.hear() == [said(7)], "what is said while nobody listens is not lost"

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_no_more_answers_are_open_than_can_be_used(tmp_path: Any) -> None:
    async def talk() -> None:
        worker = Worker(str(tmp_path), "token")
        ears = [asyncio.create_task(worker.take([])) for _ in range(EARS + 1)]
        done, waiting = await asyncio.wait(ears, timeout=0.05)
        assert [ear.result() for ear in done] == [[]]
        assert len(waiting) == EARS
        for ear in waiting:
            ear.cancel()
        await asyncio.wait(waiting)
        worker.tell(said(1))
        assert await worker.hear() == [said(1)], "who has gone is passed over"

    asyncio.run(asyncio.wait_for(talk(), 10))
