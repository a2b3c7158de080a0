"""Checks of how a provider lives: many calls at once, several loops, being cancelled, being closed."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.trial import sound
from imagegen_kit.testing.contracts.words import sentence

if TYPE_CHECKING:
    from imagegen_kit.testing.contracts.trial import Trial
    from imagegen_kit.types import Reply

AT_ONCE = 8
A_WHILE_S = 3.0  # in which threads of a closed provider have to end


class Lives(Subject):
    """One object serves many calls; none of them outlives its end."""

    def test_eight_calls_at_once_get_each_its_own_answer(self, trial: Trial) -> None:
        """One object serves concurrent calls without mixing them up, each of them bought once."""
        model = trial.lead()
        requests = [trial.request(model, f"a kite with the number {n}", seed=n) for n in range(AT_ONCE)]

        async def all_at_once() -> list[Reply]:
            async with trial.provider() as provider:
                return list(await asyncio.gather(*(trial.ask(provider, r) for r in requests)))

        replies = trial.run(all_at_once())
        for reply in replies:
            sound(reply)
        if trial.simulator is not None:
            charged = len(trial.simulator.ledger.accepted)
            assert charged == AT_ONCE, f"{AT_ONCE} calls at once were charged {charged} times"
        elif self.deterministic and model.can.seed:
            alone = [trial.call(r).pictures for r in requests]
            mixed = [n for n in range(AT_ONCE) if replies[n].pictures != alone[n]]
            assert not mixed, f"calls at once got other pictures than alone (numbers {mixed}): keep no state in `self`"

    def test_two_loops_in_two_threads_do_not_meet(self, trial: Trial) -> None:
        """Two objects on two event loops work side by side: nothing of a loop is kept in the module or the class."""
        request = trial.request(trial.lead(), seed=3)
        with ThreadPoolExecutor(2) as threads:
            for reply in threads.map(lambda _: trial.call_anew(request), range(2)):
                sound(reply)
        sound(trial.call_anew(request))

    def test_a_cancelled_call_leaves_nothing_running(self, trial: Trial) -> None:
        """Cancelling a call ends it at once, and leaves neither a task nor a thread behind."""
        request, threads = trial.request(trial.lead()), set(threading.enumerate())
        for _ in range(3):
            if trial.simulator is not None and "slow" in trial.simulator.modes:
                trial.simulator.play("slow")
            left = trial.run(_cancelled(trial, request))
            assert not left, f"after the call was cancelled these tasks still run: {', '.join(left)}"
        if trial.simulator is not None:
            trial.drain()
        deadline = time.monotonic() + A_WHILE_S
        while (new := set(threading.enumerate()) - threads) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not new, f"threads stay when the provider is closed: {[t.name for t in new]}. End them in aclose()."

    def test_it_is_closed_twice_without_harm(self, trial: Trial) -> None:
        """``aclose`` ends what is open, may come before any call, and does no harm the second time."""
        if not hasattr(trial.build(), "aclose"):
            left = trial.run(_left_open(trial))
            assert not left, f"connections stay open after a call ({left}): write aclose(), and close the client there"
            pytest.skip("it has no aclose()")

        async def close() -> None:
            unused = trial.build()
            await unused.aclose()
            used = trial.build()
            await trial.ask(used, trial.request(trial.lead()))
            await used.aclose()
            await used.aclose()

        try:
            trial.run(close())
        except Exception as error:
            pytest.fail(f"aclose() raised {type(error).__name__}: {sentence(error)} Close what is open, and forget it.")


async def _left_open(trial: Trial) -> int:
    """Return how many more connections to the service are open after a call than before."""
    if trial.simulator is None:
        return 0
    before = trial.simulator.connections
    provider = trial.build()
    await trial.ask(provider, trial.request(trial.lead()))
    quiet = 0
    for _ in range(50):
        await asyncio.sleep(0.02)
        quiet = quiet + 1 if trial.simulator.connections <= before else 0
        if quiet == 10:  # a busy service counts a connection only some time after it was made
            return 0
    return trial.simulator.connections - before


async def _cancelled(trial: Trial, request: object) -> list[str]:
    """Start a call, cancel it, and return the names of the tasks that are left."""
    before = asyncio.all_tasks()
    async with trial.provider() as provider:
        call = asyncio.ensure_future(trial.ask(provider, request))  # type: ignore[arg-type]  # an ImageRequest
        await asyncio.sleep(0.05)
        call.cancel()
        done, _ = await asyncio.wait([call], timeout=A_WHILE_S)
        assert done, "a cancelled call goes on: let CancelledError pass"
        swallowed = not call.cancelled() and trial.simulator is not None and call.exception() is not None
        assert not swallowed, f"a cancelled call raised {call.exception()!r}: let CancelledError pass"
        if not call.cancelled():
            call.exception()
    for _ in range(20):
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - before
        if not left:
            return []
        await asyncio.sleep(0.01)
    return [task.get_coro().__qualname__ for task in left]  # type: ignore[union-attr]  # our tasks have coroutines
