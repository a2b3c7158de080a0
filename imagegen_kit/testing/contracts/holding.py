"""The check that a provider leaves the event loop free while it works: one loop serves every call of a session."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from imagegen_kit.providers.base import VERBS
from imagegen_kit.testing.contracts.clock import Sink
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.types import Accepted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagegen_kit.testing.contracts.trial import Trial

MOST_S = 0.25
TICK_S = 0.01
TRIES = 4  # the first may import what it needs, and a busy machine holds everybody up now and then


class Yields(Subject):
    """While one call waits, the others go on."""

    def test_the_event_loop_is_never_held(self, trial: Trial) -> None:
        """A call, and ``collect``, wait with ``await`` and compute in threads: the loop never stands for 0.25 s."""
        model = next((m for kind in ("image", "video") for m in trial.models(kind) if m.can.resumable), None)
        request = trial.plain(model or trial.lead())

        async def try_all() -> dict[str, float]:
            least: dict[str, float] = {}
            async with trial.provider() as provider:
                for _ in range(TRIES):
                    for name, held in (await _holds(trial, provider, request)).items():
                        least[name] = min(held, least.get(name, held))
                    if max(least.values()) <= MOST_S:
                        break
            return least

        for name, held in trial.run(try_all()).items():
            assert held <= MOST_S, f"{name} held the event loop for {held:.1f} s: use await, or asyncio.to_thread"


async def _holds(trial: Trial, provider: Any, request: Any) -> dict[str, float]:
    """Return for how many seconds each method of one call held the loop at the longest."""
    sink, found = Sink(), {}
    async with _watched() as gaps:
        await trial.ask(provider, request, sink)
    found[f"{VERBS[request.kind]}()"] = max(gaps)
    job = next((e.job_id for e in sink.events if isinstance(e, Accepted)), None)
    if job is not None and hasattr(provider, "collect"):
        async with _watched() as gaps:
            await provider.collect(job, request, Sink())
        found["collect()"] = max(gaps)
    return found


@asynccontextmanager
async def _watched() -> AsyncIterator[list[float]]:
    """Yield the list of the seconds by which a task that sleeps 10 ms at a time was woken too late."""
    gaps = [0.0]

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK_S)
            gaps.append(time.monotonic() - before - TICK_S)

    ticker = asyncio.ensure_future(tick())
    await asyncio.sleep(0)
    try:
        yield gaps
        await asyncio.sleep(2 * TICK_S)  # a hold at the very end is noticed by the next tick
    finally:
        ticker.cancel()
        await asyncio.wait([ticker])
