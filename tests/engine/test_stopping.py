"""Stop means stop spending, and keep what is paid."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.session import default_engine
from imagegen_kit.types import Completed
from tests.engine.models import model, rows, until

pytestmark = pytest.mark.alone  # how much is sent before a stop is heard depends on the machine

FOUR_AT_ONCE = ik.Policy(concurrency=4)


def settled(script):
    """Wait until what was sent is stored, and return how much that is."""
    engine = default_engine()
    until(lambda: script.open == 0 and not engine._bought)
    return rows("SELECT COUNT(*) FROM results WHERE status = 'ok'")[0][0]


def nothing_reserved():
    states = {state for (state,) in rows("SELECT state FROM ledger")}
    attempts = {state for (state,) in rows("SELECT state FROM attempts")}
    return states <= {"settled", "released"} and attempts <= {"stored", "failed"}


def test_leaving_a_stream_cancels_what_was_not_sent_and_keeps_what_was():
    script = model(seconds=0.1, price=0.1)
    for event in ik.stream(ik.recipes.image, prompt="a", model="lab/one", n=40, policy=FOUR_AT_ONCE):
        if isinstance(event, Completed):
            break
    sent = script.calls
    assert sent <= 12
    assert settled(script) == script.calls
    assert script.calls <= sent + 4  # those whose reservation was on its way
    assert nothing_reserved()


def test_leaving_an_async_stream_does_the_same():
    script = model(seconds=0.1, price=0.1)

    async def main():
        events = ik.astream(ik.recipes.image, prompt="a", model="lab/one", n=40, policy=FOUR_AT_ONCE)
        async for _ in events:
            break
        await events.aclose()

    asyncio.run(main())
    assert settled(script) == script.calls <= 12
    assert nothing_reserved()


def test_a_cancelled_await_cancels_what_was_not_sent():
    script = model(seconds=0.1, price=0.1)

    async def main():
        task = asyncio.create_task(ik.arun(ik.recipes.image, prompt="a", model="lab/one", n=40, policy=FOUR_AT_ONCE))
        while script.calls < 4:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert settled(script) == script.calls <= 8
    assert nothing_reserved()


def grid(count=30, **policy):
    return ik.Experiment(
        vary={"prompt": [f"p{i}" for i in range(count)]}, fixed={"model": "lab/one"},
        policy=ik.Policy(concurrency=4, **policy),
    )  # fmt: skip


def test_a_stopped_run_sends_nothing_more_and_goes_on_when_run_again():
    script = model(seconds=0.05, price=0.1)
    run = grid().start()
    until(lambda: script.calls >= 6)
    run.stop()
    at_stop = script.calls
    time.sleep(0.2)
    assert script.calls == at_stop
    assert settled(script) == at_stop < 30
    assert not run.running
    assert nothing_reserved()
    again = grid().run(progress=False)
    assert (again.id, script.calls) == (run.id, 30)
    assert set(again.table().status) <= {"ok", "cached"}
    assert rows("SELECT COUNT(*), COUNT(DISTINCT request) FROM results") == [(30, 30)]


@pytest.mark.parametrize("after", [0.0, 0.002, 0.01, 0.03])
def test_stopping_and_going_on_at_once_asks_for_nothing_twice(after):
    script = model(seconds=0.03, price=0.1)
    run = grid(16, cache=False).start()
    for _ in range(4):
        time.sleep(after)
        run.stop()
        run = grid(16, cache=False).start()
    run.wait()
    assert script.calls == 16
    assert run.table().status.tolist() == ["ok"] * 16
    assert nothing_reserved()


def test_stopping_twice_or_at_the_end_is_no_error():
    model()
    run = grid(3).run(progress=False)
    run.stop().stop()
    assert run.done == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_waiting_stops_the_run(error):
    script = model(seconds=0.1, price=0.1)
    import _thread

    def interrupted(*_):
        raise error

    before = signal.signal(signal.SIGINT, interrupted)

    def press():
        until(lambda: script.calls >= 4)
        _thread.interrupt_main()

    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(error):
            grid().run(progress=False)
        presser.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert settled(script) == script.calls <= 8


def test_closing_the_engine_waits_for_what_was_sent():
    script = model(seconds=0.2, price=0.1)
    run = grid(4).start()
    until(lambda: script.calls == 4)
    run.stop()
    ik.engine.session.close_default_engine()
    assert rows("SELECT COUNT(*) FROM results WHERE status = 'ok'") == [(4,)]
