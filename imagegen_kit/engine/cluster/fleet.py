"""The workers of one kind: who gets the next order, who takes the place of one that died, how many there are."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.cluster.link import Link
from imagegen_kit.errors import ImagegenError, InvalidInput, ProviderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.engine.cluster.kits import Kit
    from imagegen_kit.engine.cluster.orders import Order
    from imagegen_kit.engine.keep import Delivered

PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0  # before another worker is started where one has died
START_S = 90.0  # a worker that has not started by then has found no node with room for it
VAIN = 5  # starts that failed one after the other: whoever waits is told
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many workers there are, how many orders each may hold (None: any), and after what time one is too many."""

    least: int
    most: int
    slots: int | None = None
    idle_s: float = 60.0


class Fleet:
    """Keeps ``size.least`` to ``size.most`` workers; ``hire()`` starts an actor. Lives on the engine's loop."""

    def __init__(self, hire: Callable[[], Any], dismiss: Callable[[Any], None], size: Size) -> None:
        self.size = size
        self.links: list[Link] = []
        self._hire, self._dismiss = hire, dismiss
        self._starting: set[asyncio.Task[None]] = set()
        self._line: deque[asyncio.Future[None]] = deque()
        self._failures = 0
        self._why: BaseException | None = None
        self._closed = False
        self._watch: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> int:
        """How many workers there are to be now."""
        if self.size.slots is None:
            return self.size.most
        held = sum(len(link.held) for link in self.links) + len(self._line)
        return max(self.size.least, min(self.size.most, -(-held // self.size.slots)))

    async def start(self) -> None:
        """Start the first workers and return when one is ready. Raises why none could be started."""
        self._fill()
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after())
        while self.size.least and not self.links:
            await self._stand_in_line()

    async def make(self, order: Order, kit: Kit, told: Callable[[Any], Awaitable[None]]) -> Delivered:
        """Have a call made by whoever has the fewest open. Raises ProviderError."""
        while (link := self._free()) is None:
            await self._stand_in_line(order.model)
        try:
            return await link.make(order, kit, told)
        finally:
            link.idle_since = asyncio.get_running_loop().time()
            self._wake(1)

    def _free(self) -> Link | None:
        able = [k for k in self.links if k.alive and (self.size.slots is None or len(k.held) < self.size.slots)]
        return min(able, key=lambda k: k.open_calls, default=None)

    async def _stand_in_line(self, model: str | None = None) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._fill()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake(1)
            raise
        if isinstance(self._why, InvalidInput):
            raise self._why
        if self._why is not None and model is not None:
            words = f"{model}: no worker of the cluster can be started ({_in_words(self._why)})"
            raise ProviderError(words, retryable=False, paid=False)
        if self._why is not None:
            raise ImagegenError(f"no worker of the cluster can be started: {_in_words(self._why)}")

    def _wake(self, count: int) -> None:
        while self._line and count:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                count -= 1

    def _fill(self) -> None:
        """Start as many workers as are missing."""
        while not self._closed and len(self.links) + len(self._starting) < self.wanted:
            task = asyncio.create_task(self._begin())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _begin(self) -> None:
        if self._failures:
            await asyncio.sleep(min(LONGEST_PAUSE_S, PAUSE_S * 2**self._failures))
        actor = None
        try:
            actor = self._hire()
            link = Link(actor, self._lost)
            async with asyncio.timeout(START_S):
                await link.start()
        except TimeoutError:
            self._failures = VAIN
            self._failed(actor, TimeoutError(f"it has found no room for one within {START_S:.0f} s"))
            return
        except Exception as error:  # Ray's, or what the actor raised: the next one may do
            self._failed(actor, error)
            return
        except BaseException:
            self._dismiss(actor)
            raise
        self._failures, self._why = 0, None
        link.idle_since = asyncio.get_running_loop().time()
        self.links.append(link)
        self._wake(self.size.slots or len(self._line))

    def _failed(self, actor: Any, error: BaseException) -> None:
        if actor is not None:
            self._dismiss(actor)
        cause = getattr(error, "cause", None) or error
        refused = next((f for f in (cause, getattr(cause, "__cause__", None)) if isinstance(f, InvalidInput)), None)
        self._failures += 1
        if not self.links and (refused is not None or self._failures >= VAIN):
            self._why = refused or error
            self._wake(len(self._line))

    def _lost(self, link: Link, _error: BaseException) -> None:
        with contextlib.suppress(ValueError):
            self.links.remove(link)
        self._dismiss(link.worker)
        self._failures += 1
        self._fill()

    async def _look_after(self) -> None:
        """Replace who is missing, and let those go that have had nothing to do for a while."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._fill()
            now = asyncio.get_running_loop().time()
            idle = [k for k in self.links if not k.held and now - k.idle_since > self.size.idle_s]
            for link in idle[: max(0, len(self.links) - self.wanted)]:
                self.links.remove(link)
                link.end()
                self._dismiss(link.worker)

    def close(self) -> None:
        """Let all workers go, once the loop has ended: what they still hold is lost."""
        self._closed = True
        links, self.links = self.links, []
        for link in links:
            self._dismiss(link.worker)


def _in_words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
