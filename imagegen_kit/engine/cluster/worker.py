"""The worker: an actor that makes calls, keeps what they bring in the shared store, and tells who sent them.

It decides nothing: whether a call may be made, and whether it is tried again, is the engine's business. What it holds
in memory may be lost at any time; the journal knows of each call before it comes here.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.calling import Answered, Call, call_provider
from imagegen_kit.engine.cluster.kits import unpack
from imagegen_kit.engine.cluster.orders import Ended, Said, fitting, gather_s, told
from imagegen_kit.engine.keep import Delivered, keep_made, with_room
from imagegen_kit.engine.keyring import Keyring
from imagegen_kit.engine.policy import SystemClock
from imagegen_kit.errors import Fault, ImagegenError, InvalidInput, OutcomeUnknown, ProviderError
from imagegen_kit.registry import get_registry
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.types import Accepted, Waiting, request_from_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.engine.cluster.kits import Kit
    from imagegen_kit.engine.cluster.orders import Event, Order, Told
    from imagegen_kit.types import Reply, Request

THREADS = 2  # one picture is written while the next one is decoded
IN_MEMORY = 8  # pictures that wait to be kept
EARS = 8  # answers that may be open: an order is answered with news, so that one call of Ray does for both
TOGETHER, PATIENCE_S = 8, 0.02  # news wait for each other, for so long, until they are of an eighth of what is held


class Worker:
    """Lives on one node. ``store`` is the store's folder; ``token`` the name of a file there, by which it is known."""

    def __init__(self, store: str, token: str) -> None:
        self._store, self._token = store, token
        self._blobs = Blobs(Path(store))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="imagegen-picture")
        self._keeping = asyncio.Semaphore(IN_MEMORY)
        self._keyring: Keyring | None = None
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._news: list[Event] = []
        self._ears: deque[asyncio.Future[list[Event]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._hurried = False
        self._commits: dict[int, asyncio.Future[None]] = {}

    async def about(self) -> tuple[str, int]:
        """Return the name of the node and the id of the process. Raises InvalidInput where the store is not seen."""
        if not await asyncio.to_thread(os.path.exists, os.path.join(self._store, self._token)):
            what = f"the node {platform.node()} does not see the store's folder {self._store}."
            hint = "Put the store on a folder that all nodes share: RayEngine(store=…)."
            raise InvalidInput([Fault("store", what, hint)])
        return platform.node(), os.getpid()

    async def equip(self, kit: Kit) -> None:
        """Get ready to call the kit's provider, or to call it in another way from now on."""
        unpack(kit)
        self._keyring = self._keyring or Keyring(kit.salt)

    async def take(self, orders: Sequence[Order]) -> list[Event]:
        """Start to make calls, and return news as ``hear`` does. What is held already is not doubled."""
        for order in orders:
            if order.attempt not in self._calls:
                self._calls[order.attempt] = asyncio.create_task(self._make(order))
        return [] if len(self._ears) >= EARS else await self.hear()

    async def hear(self) -> list[Event]:
        """Return what has happened and was not told yet, in order; wait until something has."""
        ear = asyncio.get_running_loop().create_future()
        self._ears.append(ear)
        self._tell_soon()
        news: list[Event] = await ear
        return news

    async def committed(self, attempt: int) -> None:
        """Let a call go on whose job the journal knows by now."""
        if (waiting := self._commits.pop(attempt, None)) is not None and not waiting.done():
            waiting.set_result(None)

    async def cancel(self, attempt: int) -> None:
        """End a call that nobody waits for any more."""
        if (task := self._calls.get(attempt)) is not None:
            task.cancel()

    def tell(self, event: Event) -> None:
        """Keep an event for who hears."""
        self._news.append(event)
        self._tell_soon()

    def _tell_soon(self) -> None:
        if not (self._news and self._ears):
            return
        enough = len(self._news) * TOGETHER >= len(self._calls)
        if self._timer is None or (enough and not self._hurried):
            if self._timer is not None:
                self._timer.cancel()
            self._hurried = enough
            wait_s = gather_s(len(self._calls)) if enough else PATIENCE_S
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tell_now)

    def _tell_now(self) -> None:
        self._timer = None
        while self._ears and self._news:
            if not (ear := self._ears.popleft()).done():
                count = fitting(self._news)
                ear.set_result(self._news[:count])
                del self._news[:count]

    async def job_is_known(self, attempt: int, event: Accepted) -> None:
        """Return once the journal knows the job's name."""
        waiting = self._commits[attempt] = asyncio.get_running_loop().create_future()
        self.tell(Said(attempt, event))
        await asyncio.shield(waiting)

    async def _make(self, order: Order) -> None:
        reply, failure, problem = None, None, None
        try:
            reply, problem = await self._delivered(order)
        except asyncio.CancelledError:
            failure = told(OutcomeUnknown(f"{order.model}: the call was ended"))
            raise
        except ImagegenError as error:
            failure = told(error)
        except Exception as error:
            failure = told(OutcomeUnknown(f"{order.model} failed on its worker with {type(error).__name__}: {error}"))
        finally:
            self._calls.pop(order.attempt, None)
            self._commits.pop(order.attempt, None)
            self.tell(Ended(order.attempt, reply, failure, problem))

    async def _delivered(self, order: Order) -> tuple[Delivered, Told | None]:
        """Make the call and keep what it brings, or say what prevented that. Raises ProviderError."""
        call, provider = await self._read(order)
        sink = _Sink(self, order)
        started = time.perf_counter()
        reply = await call_provider(call, sink, provider)
        called = time.perf_counter()
        kept, problem = None, None
        async with self._keeping:
            self.tell(Said(order.attempt, Answered(reply.rest_s)))  # not before: what waits here is not to grow
            keep = partial(keep_made, self._blobs, reply, call.sent, order.measure)
            try:
                kept = await with_room(partial(self._in_thread, keep), asyncio.sleep, sink.tell_wait)
            except ImagegenError as error:  # it is paid all the same, so it is no failure of the call
                problem = told(error)
            except Exception as error:
                words = f"{order.model}: the answer came and could not be examined: {type(error).__name__}: {error}"
                problem = told(ImagegenError(words))
        ended = time.perf_counter()
        rest = _without_bytes(reply)
        return Delivered(kept=kept, problem=None, total_s=called - started, keep_s=ended - called, **rest), problem

    async def _in_thread(self, keep: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, keep)

    async def _read(self, order: Order) -> tuple[Call, Any]:
        assert self._keyring is not None  # equipped before the first order
        try:
            model = get_registry().model(order.model, today=date.min)
            sent: Request = request_from_plain(order.sent, self._blobs.path)
        except InvalidInput as error:
            words = f"the node {platform.node()} cannot ask {order.model}: {error}"
            raise ProviderError(f"{words} Install the same plugins on all nodes.", retryable=False) from error
        rota = await self._keyring.rota(model.provider)
        return Call(model, sent, sent, order.timeout_s, order.job_id), rota.named(order.key).provider


class _Sink:
    """What a provider calls while it works on a worker."""

    def __init__(self, worker: Worker, order: Order) -> None:
        self._worker, self._attempt = worker, order.attempt
        self._model = order.model
        self.clock = SystemClock()
        self.idempotency_key = order.idempotency_key
        self.job_id: str | None = None

    async def __call__(self, event: Any) -> None:
        if isinstance(event, Accepted):
            self.job_id = event.job_id
            await self._worker.job_is_known(self._attempt, event)
        else:
            self._worker.tell(Said(self._attempt, event))

    def tell_wait(self, seconds: float, reason: str) -> None:
        """Tell whoever follows the call that nothing happens for a while, and why."""
        words = f"{self._model} waits {seconds:.1f} s: {reason}"
        self._worker.tell(Said(self._attempt, Waiting(text=words, model=self._model, seconds=seconds, reason=reason)))


def _without_bytes(reply: Reply) -> dict[str, Any]:
    """Return the fields of a reply that go on: what it brought lies in the store, and is only counted from here on."""
    names = ("usage", "cost_usd", "seed_used", "model_used", "adaptations", "rest_s")
    counted = {"pictures": (b"",) * len(reply.pictures), "films": (b"",) * len(reply.films)}
    return {**{name: getattr(reply, name) for name in names}, **counted, "timings": dict(reply.timings)}
