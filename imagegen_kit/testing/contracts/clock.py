"""What a provider under test is given to work with: a clock in a hurry, and a place for its events."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.types import Accepted, Progress

LONGEST_WAIT_S = 0.005


class HurriedClock:
    """A clock on which nobody waits longer than 5 ms, so that a job that is polled every 2 s ends at once.

    Its hands move by what was asked for: who waits until a time has come does not wait for ever.
    """

    def __init__(self) -> None:
        self._skipped_s = 0.0
        self.waits = 0  # how often somebody waited by this clock

    def now(self) -> datetime:
        """Return a fixed day: nothing under test may depend on today's date."""
        return datetime(2026, 1, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, with those that nobody had to wait."""
        return time.monotonic() + self._skipped_s

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``, at most 5 ms."""
        self.waits += 1
        await asyncio.sleep(min(seconds, LONGEST_WAIT_S))
        self._skipped_s += max(0.0, seconds - LONGEST_WAIT_S)

    async def pace(self, seconds: float) -> None:
        """Do nothing: work takes its own time here."""

    def jitter(self) -> float:
        """Return the middle."""
        return 0.5


class Sink:
    """Takes the events of one call in order; ``then`` is awaited with each, before the provider goes on."""

    idempotency_key = "one-request"

    def __init__(self, then: Callable[[Accepted | Progress], Awaitable[None]] | None = None) -> None:
        self.clock = HurriedClock()
        self.events: list[Accepted | Progress] = []
        self._then = then

    async def __call__(self, event: Accepted | Progress) -> None:
        """Keep one event."""
        self.events.append(event)
        if self._then is not None:
            await self._then(event)
