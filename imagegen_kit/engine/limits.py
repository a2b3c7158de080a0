"""How many calls an account may have open at once, and until when it has to rest."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagegen_kit.engine.policy import Clock

DEFAULT_CONCURRENCY = 8


@dataclass(slots=True)
class Pause:
    """Until when a service asked not to be called, by kind of clock: their hands do not show the same time."""

    not_before: dict[type, float] = field(default_factory=dict)

    def left(self, clock: Clock) -> float:
        """Return the seconds still to wait, zero or less where there are none."""
        return self.not_before.get(type(clock), float("-inf")) - clock.monotonic()

    def extend(self, seconds: float, clock: Clock) -> None:
        """Let nobody call before ``seconds`` from now."""
        until = clock.monotonic() + seconds
        self.not_before[type(clock)] = max(self.not_before.get(type(clock), until), until)


class AccountLimit:
    """The open calls of one account at one model, and the pause that the service asked for (``Retry-After``).

    Callers with another concurrency have another limit, but share the pause.
    """

    def __init__(self, concurrency: int, pause: Pause) -> None:
        self.concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._pause = pause

    @asynccontextmanager
    async def slot(self, clock: Clock) -> AsyncIterator[None]:
        """Hold one of the account's calls, once no pause is on."""
        async with self._slots:
            while (wait := self._pause.left(clock)) > 0:
                await clock.sleep(wait)
            yield

    def rest(self, seconds: float, clock: Clock) -> None:
        """Let nobody call this account for ``seconds``."""
        self._pause.extend(seconds, clock)
