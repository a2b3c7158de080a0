"""One worker as the session sees it: what it holds, and the conversation with it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.clusters.connect import FULL, is_full
from imagegen_kit.engine.calling import Answered
from imagegen_kit.engine.cluster.orders import Ended, Said, fitting, gather_s, raised
from imagegen_kit.errors import ImagegenError, OutcomeUnknown, ProviderError
from imagegen_kit.types import Accepted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.engine.cluster.kits import Kit
    from imagegen_kit.engine.cluster.orders import Event, Order
    from imagegen_kit.engine.keep import Delivered

DIED = "the worker that held the call died, or its node did, before it told what came of it"
PAID = ". It may be paid for; run.retry_failed() buys it anew"


@dataclass(slots=True, eq=False)
class _Held:
    """An order for a worker: who is told on the way, who waits for its end, and whether it has left this process."""

    order: Order
    told: Callable[[Any], Awaitable[None]]
    ended: asyncio.Future[Delivered]
    handed: bool = False
    answered: bool = False  # by the service; what it brought is being kept


class Link:
    """Talks to the actor ``worker`` on the engine's loop; ``lost`` is called once, when nothing is heard any more.

    Orders that come at about the same time go together: a call of Ray costs both sides most of a millisecond.
    """

    def __init__(self, worker: Any, lost: Callable[[Link, BaseException], None]) -> None:
        self.worker, self.place = worker, ("", 0)
        self.held: dict[int, _Held] = {}
        self.alive = True
        self.idle_since = 0.0
        self._lost = lost
        self._orders: list[_Held] = []
        self._more = asyncio.Event()
        self._kits: dict[str, tuple[Kit, asyncio.Task[None]]] = {}
        self._talk: asyncio.Task[None] | None = None
        self._ears: set[asyncio.Task[None] | None] = set()
        self._acks: set[asyncio.Task[None]] = set()

    @property
    def open_calls(self) -> int:
        """How many calls the worker has, or is to make, that are not answered yet."""
        return sum(not held.answered for held in self.held.values())

    async def start(self) -> None:
        """Wait until the worker answers, and begin to talk. Raises what Ray raises where it does not start."""
        self.place = await self.worker.about.remote()
        self._talk = asyncio.create_task(self._hand_over())
        self._listen(self.worker.hear.remote())

    async def make(self, order: Order, kit: Kit, told: Callable[[Any], Awaitable[None]]) -> Delivered:
        """Have one call made and return what came. Raises ProviderError, as the call did or because the worker died."""
        held = self.held[order.attempt] = _Held(order, told, asyncio.get_running_loop().create_future())
        try:
            await self._equipped(kit, order)
            if self.alive:
                self._orders.append(held)
                self._more.set()
            return await held.ended
        except asyncio.CancelledError:
            if self.alive and held.handed:
                self.worker.cancel.remote(order.attempt)
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._orders.remove(held)
            self.held.pop(order.attempt, None)
            held.ended.cancel()

    async def _equipped(self, kit: Kit, order: Order) -> None:
        """Give the worker what calls of this provider need, once. Raises ProviderError where it has no use for it."""
        known = self._kits.get(kit.provider)
        if known is None or known[0] is not kit:
            known = self._kits[kit.provider] = (kit, asyncio.create_task(self._equip(kit)))
        try:
            await asyncio.shield(known[1])
        except ProviderError as error:
            if self._kits.get(kit.provider) is known:
                del self._kits[kit.provider]
            raise ProviderError(f"{order.model}: {error}", retryable=False, paid=False) from error

    async def _equip(self, kit: Kit) -> None:
        from ray.exceptions import RayActorError, RayError

        try:
            await self.worker.equip.remote(kit)
        except RayActorError:
            pass  # who listens hears of it too, and say what becomes of the call
        except RayError as error:
            if is_full(error):
                raise ProviderError(f"a worker on {self.place[0]} cannot be made ready: {FULL}", paid=False) from None
            cause = getattr(error, "cause", None) or error
            words = str(cause).strip().splitlines()[-1] if str(cause).strip() else type(cause).__name__
            raise ProviderError(f"a worker on {self.place[0]} cannot be made ready: {words}", paid=False) from None

    async def _hand_over(self) -> None:
        while True:
            await self._more.wait()
            await asyncio.sleep(gather_s(len(self.held)))
            self._more.clear()
            while self._orders:
                count = fitting([held.order for held in self._orders])
                chunk, self._orders = self._orders[:count], self._orders[count:]
                try:
                    news = self.worker.take.remote([held.order for held in chunk])
                except Exception as error:
                    if is_full(error):  # it was too large for a call that carries what it says, and was not sent
                        _refuse(chunk)
                        continue
                    for held in chunk:
                        held.handed = True
                    self.end(error)  # whatever Ray says: from here on nothing is heard of this worker
                    return
                for held in chunk:
                    held.handed = True  # from here on nobody knows, until the worker tells
                self._listen(news)

    def _listen(self, news: Awaitable[list[Event]]) -> None:
        ear = asyncio.create_task(self._hear(news))
        self._ears.add(ear)
        ear.add_done_callback(self._ears.discard)

    async def _hear(self, news: Awaitable[list[Event]]) -> None:
        """Wait for the answer to an order, which is whatever the worker has to tell; somebody always listens."""
        try:
            events = await news
            self._ears.discard(asyncio.current_task())  # at once: two that end together must not rely on each other
            if not self._ears and self.alive:
                self._listen(self.worker.hear.remote())
        except Exception as error:
            self.end(error)
            return
        for event in events:
            self._on(event)

    def _on(self, event: Event) -> None:
        held = self.held.get(event.attempt)
        if isinstance(event, Said):
            if held is not None:
                held.answered = held.answered or isinstance(event.event, Answered)
                ack = asyncio.create_task(self._pass_on(held, event.event))
                self._acks.add(ack)
                ack.add_done_callback(self._acks.discard)
        elif held is not None and not held.ended.done():
            _answer(held.ended, event)

    async def _pass_on(self, held: _Held, event: Any) -> None:
        """Tell who follows the call; where a job was accepted the worker waits until its name is committed."""
        try:
            await held.told(event)
        except ImagegenError as error:  # the journal cannot be written: the job goes on, its end will tell again
            if not held.ended.done():
                held.ended.set_exception(error)
            return
        if isinstance(event, Accepted) and self.alive:
            self.worker.committed.remote(held.order.attempt)

    def end(self, error: BaseException | None = None) -> None:
        """Talk no more. What the worker holds may have been made and paid: nobody knows."""
        if not self.alive:
            return
        self.alive = False
        for held in self.held.values():
            if not held.ended.done():
                words = f"{held.order.model}: {DIED}{PAID if held.handed and not held.order.free else ''}"
                failure = OutcomeUnknown(words, retryable=True, paid=None if held.handed else False)
                held.ended.set_exception(failure)
        for task in (self._talk, *self._ears):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        if error is not None:
            self._lost(self, error)


def _refuse(chunk: list[_Held]) -> None:
    for held in chunk:
        if not held.ended.done():
            words = f"{held.order.model}: the call could not be handed to a worker: {FULL}"
            held.ended.set_exception(ProviderError(words, retryable=True, paid=False))


def _answer(ended: asyncio.Future[Delivered], event: Ended) -> None:
    if event.failure is not None:
        ended.set_exception(raised(event.failure))
    elif event.reply is not None:
        problem = raised(event.problem) if event.problem is not None else None
        ended.set_result(replace(event.reply, problem=problem))
