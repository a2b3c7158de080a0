"""The conversation with a worker, without a cluster: somebody always listens, and news come together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from imagegen_kit.engine.calling import Answered
from imagegen_kit.engine.cluster.kits import Kit
from imagegen_kit.engine.cluster.link import Link
from imagegen_kit.engine.cluster.orders import BYTES, Ended, Order, Said, fitting, told
from imagegen_kit.engine.cluster.worker import EARS, PATIENCE_S, TOGETHER, Worker
from imagegen_kit.errors import InvalidReply, OutcomeUnknown, ProviderError
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
        self.taken: list[int] = []  # how many orders came together
        self.refusal: Exception | None = None
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
        if self.refusal is not None:
            raise self.refusal
        self.orders += orders
        self.taken.append(len(orders))
        return self._hear()


def order(attempt: int, prompt: str = "") -> Order:
    return Order(attempt, "me", "me/one", {"prompt": prompt}, 1.0, None, None, "key", None)


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


LONG = "a word " * 3_000  # 21 KB


def test_what_goes_together_never_needs_rays_object_store() -> None:
    assert [fitting([order(1, "a word " * n)]) for n in (1, 30_000)] == [1, 1], "one goes in any case"
    assert fitting([order(n, "a fox") for n in range(100)]) == 100
    assert fitting([order(n, LONG) for n in range(5)]) == BYTES // len(LONG) == 3
    assert fitting([]) == 0


def test_long_orders_go_in_several_calls_and_long_news_in_several_answers(tmp_path: Any) -> None:
    async def talk() -> None:
        desk = Desk()
        link = Link(desk, lambda *_: None)
        await link.start()
        calls = [asyncio.create_task(link.make(order(n, LONG), kit(), ignore)) for n in range(8)]
        while len(desk.orders) < 8:
            await asyncio.sleep(0.001)
        assert desk.taken == [3, 3, 2]
        assert [one.attempt for one in desk.orders] == list(range(8))
        link.end()
        assert {type(error) for error in await asyncio.gather(*calls, return_exceptions=True)} == {OutcomeUnknown}

        worker = Worker(str(tmp_path), "token")
        for number in range(5):
            worker.tell(Said(number, LONG))
        assert [len(await worker.hear()) for _ in range(2)] == [3, 2]

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_an_order_that_the_full_object_store_does_not_take_was_not_sent_and_the_worker_stays() -> None:
    from ray.exceptions import OutOfDiskError

    async def talk() -> None:
        desk = Desk()
        link = Link(desk, lambda *_: None)
        await link.start()
        desk.refusal = OutOfDiskError("Local disk is full")
        with pytest.raises(ProviderError, match=r"me/one: .*object store is full.*`ray memory`") as caught:
            await link.make(order(1), kit(), ignore)
        assert (caught.value.paid, caught.value.retryable, type(caught.value)) == (False, True, ProviderError)
        assert link.alive
        desk.refusal = None
        call = asyncio.create_task(link.make(order(2), kit(), ignore))
        while not desk.orders:
            await asyncio.sleep(0.001)
        desk.open[-1].set_result([failed(2)])
        with pytest.raises(InvalidReply, match="call 2 failed"):
            await call
        link.end()

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_a_worker_that_takes_no_order_for_another_reason_is_given_up_and_nothing_runs_on() -> None:
    async def talk() -> None:
        desk, lost, before = Desk(), [], asyncio.all_tasks()
        link = Link(desk, lambda _, error: lost.append(str(error)))
        await link.start()
        desk.refusal = ConnectionError("gone")
        with pytest.raises(OutcomeUnknown, match="the worker that held the call died"):
            await link.make(order(1), kit(), ignore)
        assert lost == ["gone"]
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before, "what talks to it has ended too"

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_a_call_that_was_answered_is_open_no_more_while_its_picture_is_kept() -> None:
    async def talk() -> None:
        desk, heard = Desk(), []
        link = Link(desk, lambda *_: None)
        await link.start()

        async def note(event: Any) -> None:
            heard.append(event)

        call = asyncio.create_task(link.make(order(1), kit(), note))
        while not desk.orders:
            await asyncio.sleep(0.001)
        assert (link.open_calls, len(link.held)) == (1, 1)
        desk.open[-1].set_result([Said(1, Answered())])
        while not heard:
            await asyncio.sleep(0.001)
        assert (link.open_calls, len(link.held)) == (0, 1)
        link.end()
        with pytest.raises(OutcomeUnknown):
            await call

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_only_of_what_costs_something_it_is_said_that_it_may_be_paid() -> None:
    async def talk() -> dict[bool, str]:
        desk = Desk()
        link = Link(desk, lambda *_: None)
        await link.start()
        calls = {
            free: asyncio.create_task(link.make(replace(order(number), free=free), kit(), ignore))
            for number, free in enumerate((False, True))
        }
        while not all(held.handed for held in link.held.values()) or len(link.held) < 2:
            await asyncio.sleep(0)
        link.end()
        failures = await asyncio.gather(*calls.values(), return_exceptions=True)
        return {free: str(failure) for free, failure in zip(calls, failures, strict=True)}

    words = asyncio.run(asyncio.wait_for(talk(), 10))
    assert "It may be paid for" in words[False]
    assert words[True].endswith("before it told what came of it")
