"""The keys of a provider as this process uses them: how many calls each has open, which rests, whose turn it is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.throttle import REVIVE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from imagegen_kit.engine.policy import Clock
    from imagegen_kit.providers.base import Account

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


@dataclass(slots=True, eq=False)
class Key:
    """One API key of a provider, or its only account where it needs none.

    ``id`` is its fingerprint (None: no key), ``name`` the same with the provider's, as the journal knows it. ``proven``
    says that the service has taken it in this process.
    """

    account: Account
    id: str | None
    name: str
    provider: Any  # the object of ``ProviderSpec.target``
    calls: int = 0  # that hold a seat or wait for one
    of_model: Counter[str] = field(default_factory=Counter)  # the same for each model
    last: int = 0  # when it was chosen, to take turns
    proven: bool = False
    _dead_until: float = float("-inf")
    _slots: dict[tuple[str, int], asyncio.Semaphore] = field(default_factory=dict)
    _pauses: dict[str, Pause] = field(default_factory=dict)
    _gates: dict[str, asyncio.Lock] = field(default_factory=dict)

    @property
    def dead(self) -> bool:
        """Whether the service has refused it not long ago."""
        return time.monotonic() < self._dead_until

    def refuse(self) -> None:
        """Note that the service refuses it: its next call is made after a while, and alone."""
        self.proven, self._dead_until = False, time.monotonic() + REVIVE_S

    def accept(self) -> None:
        """Note that the service has taken it."""
        self.proven, self._dead_until = True, float("-inf")

    def slots(self, model: str, concurrency: int) -> asyncio.Semaphore:
        """Return the open calls at ``model``; callers with another concurrency have their own, and share the pause."""
        if (model, concurrency) not in self._slots:
            self._slots[model, concurrency] = asyncio.Semaphore(concurrency)
        return self._slots[model, concurrency]

    def pause(self, model: str) -> Pause:
        """Return until when ``model`` is not called with this key; a service limits each of its models."""
        return self._pauses.setdefault(model, Pause())

    def gate(self, model: str) -> asyncio.Lock:
        """Return what lets calls at ``model`` ask one by one whether they are due, while a limit is in force."""
        return self._gates.setdefault(model, asyncio.Lock())


class NoKeyLeft(Exception):
    """Every key of the provider has refused this request."""


class Rota:
    """The keys of one provider, taking turns."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.keys = keys
        self._turn = 0
        self._line: deque[asyncio.Future[None]] = deque()  # calls for which no key is free

    def others(self, key: Key, avoid: Collection[str]) -> list[Key]:
        """Return the keys that could answer instead of ``key``."""
        return [k for k in self.keys if k is not key and k.name not in avoid and not k.dead]

    def named(self, id: str | None) -> Key:
        """Return the key with this fingerprint, which knows its own jobs; the first where it is no longer set."""
        return next((key for key in self.keys if key.id == id), self.keys[0])

    def rested(self, key: Key, model: str, concurrency: int, clock: Clock, avoid: Collection[str]) -> bool:
        """Whether another key could be called at once while ``key`` has to wait."""
        return any(
            k.proven and k.of_model[model] < concurrency and k.pause(model).left(clock) <= 0
            for k in self.others(key, avoid)
        )

    def _choose(self, model: str, concurrency: int, clock: Clock, avoid: Collection[str]) -> Key | None:
        """Return whose turn it is; None where a key has to be free, or heard of, first.

        A key that nobody has seen work is tried by one call at a time, so that a dead one costs no more than that; one
        that rests is waited for only where no other key is merely busy.
        """
        if len(self.keys) == 1 and not avoid:
            return self.keys[0]
        able = [key for key in self.keys if key.name not in avoid]
        if not able:
            raise NoKeyLeft
        able = [key for key in able if not key.dead] or able
        awake = [key for key in able if key.pause(model).left(clock) <= 0]
        ready = [key for key in awake or able if key.calls == 0 or (key.proven and key.of_model[model] < concurrency)]
        return min(ready, key=lambda k: (max(0.0, k.pause(model).left(clock)), k.calls, k.last), default=None)

    @asynccontextmanager
    async def seat(
        self,
        model: str,
        concurrency: int,
        clock: Clock,
        avoid: Collection[str] = (),
        only: Key | None = None,
        tell: Callable[[float], None] | None = None,
    ) -> AsyncIterator[Key]:
        """Hold one of the open calls of a key (``only``, if given) that does not rest; ``tell`` hears of each wait.

        Raises NoKeyLeft where all keys are among those to ``avoid``.
        """
        while True:
            key = only or self._choose(model, concurrency, clock, avoid)
            if key is None:
                await self._stand_in_line()
                continue
            self._turn += 1
            key.last, key.calls = self._turn, key.calls + 1
            key.of_model[model] += 1
            try:
                async with key.slots(model, concurrency):
                    while (wait := key.pause(model).left(clock)) > 0:
                        if only is None and self.rested(key, model, concurrency, clock, avoid):
                            break
                        if tell is not None:
                            tell(wait)
                        await clock.sleep(wait)
                    else:
                        yield key
                        return
            finally:
                key.calls -= 1
                key.of_model[model] -= 1
                # A key that has just been heard of for the first time may have room for all of them.
                self._wake(concurrency)

    async def _stand_in_line(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake(1)  # it was this one's turn: the next takes it
            raise

    def _wake(self, count: int) -> None:
        while self._line and count:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                count -= 1
