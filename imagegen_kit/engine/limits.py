"""How many calls an account may have open at once, and until when it has to rest."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from imagegen_kit.engine.policy import Clock

DEFAULT_CONCURRENCY = 8


class AccountLimit:
    """The open calls of one account at one model, and the pause that the service asked for (``Retry-After``)."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._not_before = float("-inf")

    @asynccontextmanager
    async def slot(self, clock: Clock) -> AsyncIterator[None]:
        """Hold one of the account's calls, once no pause is on."""
        async with self._slots:
            while (wait := self._not_before - clock.monotonic()) > 0:
                await clock.sleep(wait)
            yield

    def rest(self, seconds: float, clock: Clock) -> None:
        """Let nobody call this account for ``seconds``."""
        self._not_before = max(self._not_before, clock.monotonic() + seconds)
