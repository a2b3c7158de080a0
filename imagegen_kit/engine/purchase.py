"""Buying one answer: reserve, call the provider, keep what came, settle; and again where that is known to be free.

The order is the promise: intent and reservation are committed before anything is sent, a job id before the first poll,
and a result counts only when its bytes and its row are on disk.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.prices import estimate
from imagegen_kit.engine.budget import Refusal, settle
from imagegen_kit.engine.calling import ProgressSink
from imagegen_kit.engine.failing import note_failure, refuses_key
from imagegen_kit.engine.following import follow
from imagegen_kit.engine.keep import Delivered
from imagegen_kit.engine.limits import NoKeyLeft
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.reserving import Dead, Reserved, reserve_call
from imagegen_kit.engine.rows import move_attempt
from imagegen_kit.engine.settling import keep_reply, total
from imagegen_kit.engine.throttle import Wait
from imagegen_kit.errors import BudgetExceeded, ContentBlocked, ImagegenError, ProviderError
from imagegen_kit.store.waiting import backoff
from imagegen_kit.types import Attempt, Cost, Progress, Result, Waiting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.limits import Key, Rota
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.engine.reserving import Verdict
    from imagegen_kit.engine.rows import Place
    from imagegen_kit.store.journal import Statement


WORTH_TELLING_S = 0.5  # shorter waits are the ordinary spacing of calls


class Elsewhere(Exception):
    """The call is not sent now: something else is known or has to be tried first, as ``verdict`` says."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


@dataclass(slots=True)
class Purchase:
    """One picture being bought, with how many wait for it and whether it was sent (then it is not given up)."""

    engine: Engine
    prepared: Prepared
    policy: Policy
    place: Place
    request_id: int
    intent: Sequence[Statement]  # the rows of the request itself, written with the first attempt
    measure: Any = None
    run_budget_usd: float | None = None
    first: Purchase | None = None  # whose model failed, so that this one stands in
    on_progress: Callable[[Progress], None] | None = None
    claims: bool = False  # an equal request of another process is waited for
    collect: tuple[int, str] | None = None  # attempt id and job id of a job that a service has accepted already
    attempt: int | None = None  # sent before, and the service ignores that it is sent again
    key_id: str | None = None  # whose job, or attempt, it is
    waited_for: int | None = None  # another process's attempt
    waiters: int = 0
    given_up: bool = False  # whoever waited has left, and nothing was sent
    submitted: bool = False  # sent, or about to be: it is not given up any more
    spent_before: Cost | None = None  # by the model that this one stands in for
    recorded: bool = False  # the intent is in the journal
    attempts: list[Attempt] = field(default_factory=list)
    tries: int = 0  # failed calls that count
    avoid: set[str] = field(default_factory=set)  # keys that have refused this request
    last: ImagegenError | None = None

    @property
    def fallback(self) -> bool:
        """Whether it stands in for a model that failed."""
        return self.first is not None

    @property
    def measured(self) -> Any:
        """Which checks to run on what comes: those of the style, and those that the policy demands (which win)."""
        measure, demanded = self.measure, self.policy.checks
        if measure is None or demanded is None:
            return demanded if measure is None else measure
        as_limits = [dict(c) if hasattr(c, "items") else dict.fromkeys(c) for c in (measure, demanded)]
        return {**as_limits[0], **as_limits[1]}

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it any more and no job of it is known."""
        return (self.first or self).waiters == 0 and self.collect is None

    async def run(self) -> Result:
        """Return the stored result; failures are values."""
        number = 0
        while True:
            number += 1
            try:
                return await self._attempt(number)
            except Elsewhere as found:
                number -= 1
                if (result := await follow(self, found.verdict)) is not None:
                    return result
            except NoKeyLeft:
                return self.failed(self.last or ImagegenError(f"{self.prepared.model.id} has no key left to ask with"))
            except ProviderError as error:
                self.last = error
                if not await self._again(error):
                    return self.failed(error)
            except ImagegenError as error:
                return self.failed(error)

    async def _again(self, error: ProviderError) -> bool:
        """Wait as long as it takes until the call may be repeated; return False where it must not be."""
        clock = self.policy.clock
        open_still = self.collect is not None or self.attempt is not None
        self.sending(open_still)
        if self.abandoned and self.attempt is None:
            self._give_up()
        if refuses_key(error) and self.collect is None:  # another key may do, and costs none of the attempts
            rota = await self.engine.keyring.rota(self.prepared.model.provider)
            return any(key.name not in self.avoid for key in rota.keys)
        self.tries += 1
        if not (open_still or (error.retryable and error.paid is False)) or self.tries >= self.policy.attempts:
            return False
        seconds = backoff(self.tries, error.retry_after, clock.jitter())
        rota = await self.engine.keyring.rota(self.prepared.model.provider)
        if error.retry_after is not None and any(
            k.proven and not k.dead and k.pause(self.prepared.model.id).left(clock) <= 0 for k in rota.keys
        ):
            return True  # another key need not wait
        self.tell_wait(seconds, f"attempt {self.tries} of {self.policy.attempts} failed: {type(error).__name__}")
        await clock.sleep(seconds)
        return True

    def sending(self, sent: bool) -> None:
        """Note whether it may be given up: not from the moment on in which it is about to be sent."""
        self.submitted = sent
        if self.first is not None:
            self.first.submitted = sent

    def tell_wait(self, seconds: float, reason: str = "") -> None:
        """Tell whoever follows that nothing happens for a while, and why."""
        root = self.first or self
        if root.on_progress is not None and seconds >= WORTH_TELLING_S:
            model = self.prepared.model.id
            words = f"{model} waits {seconds:.1f} s" + (f": {reason}" if reason else "")
            root.on_progress(Waiting(text=words, model=model, seconds=seconds, reason=reason))

    async def _attempt(self, number: int) -> Result:
        engine, model, clock = self.engine, self.prepared.model, self.policy.clock
        asked_at = clock.monotonic()
        rota = await engine.keyring.rota(model.provider)
        concurrency = engine.concurrency(self)
        only = rota.named(self.key_id) if self.collect is not None or self.attempt is not None else None
        seat = rota.seat(
            model.id, concurrency, clock, self.avoid, only,
            lambda seconds: self.tell_wait(seconds, "the service asked to wait"),
        )  # fmt: skip
        async with AsyncExitStack() as seated:
            key = await seated.enter_async_context(seat)

            async def answered(rest_s: float | None) -> None:
                if rest_s:
                    key.pause(model.id).extend(rest_s, clock)
                await seated.aclose()  # the next call may be made while a worker keeps what this one brought

            reserved = await self._admitted(rota, key, number, concurrency)
            if self.abandoned and self.attempt is None:
                await self._withdraw(reserved.attempt)
            started, sent_at = clock.monotonic(), clock.now()
            progress = ProgressSink(self, reserved.attempt, clock, answered)
            progress.resumable = hasattr(key.provider, "collect")
            try:
                reply = await engine.call(self, progress, key)
            except ProviderError as error:
                await note_failure(self, key, progress, number, error, clock.monotonic() - started, sent_at, reserved)
                raise
            if reply.rest_s:
                key.pause(model.id).extend(reply.rest_s, clock)
            called = clock.monotonic()
            await engine.keeping.acquire()  # held back here, no more pictures arrive than can be put away
        timings = {**reply.timings, "queue": started - asked_at}
        if self.collect is None:  # how long a job that was looked up again has taken is not known
            timings["total"] = reply.total_s if isinstance(reply, Delivered) else called - started
        try:
            job_id = progress.job_id or (self.collect[1] if self.collect is not None else None)
            return await keep_reply(self, key, reserved.attempt, number, reply, timings, job_id)
        finally:
            engine.keeping.release()

    async def _admitted(self, rota: Rota, key: Key, number: int, concurrency: int) -> Reserved:
        """Return once the call is reserved and due. Raises Elsewhere or BudgetExceeded where it is not to be sent."""
        if self.collect is not None:
            self.sending(True)
            return Reserved(self.collect[0], self.foreseen()[0] == 0)
        model, clock = self.prepared.model.id, self.policy.clock
        several = bool(rota.others(key, self.avoid))  # else a dead key is better than none
        gate = key.gate(model)
        if not gate.locked():
            verdict = await self._ask(key, number, several)
            if not isinstance(verdict, Wait):
                return self._taken(rota, key, verdict)
        async with gate:  # while a limit is in force one call asks, the others stand in line behind it
            while isinstance(verdict := await self._ask(key, number, several), Wait):
                if rota.rested(key, model, concurrency, clock, self.avoid):
                    key.pause(model).extend(verdict.seconds, clock)
                    raise Elsewhere(verdict)
                self.tell_wait(verdict.seconds, verdict.reason)
                await clock.sleep(verdict.seconds)
            return self._taken(rota, key, verdict)

    async def _ask(self, key: Key, number: int, several: bool) -> Verdict:
        self.sending(True)  # cancelled between commit and call, it would leave a reservation of nothing
        verdict = await reserve_call(self, key, number, several=several)
        if not isinstance(verdict, Reserved):
            self.sending(False)
            if self.abandoned:
                self._give_up()
        return verdict

    def _taken(self, rota: Rota, key: Key, verdict: Verdict) -> Reserved:
        if isinstance(verdict, Reserved):
            self.recorded = True
            return verdict
        if isinstance(verdict, Dead):
            key.refuse()
        if isinstance(verdict, Refusal):
            self.last = BudgetExceeded(verdict.words, model=self.prepared.model.id, request=self.prepared.asked)
            if not (verdict.account and rota.others(key, self.avoid)):
                raise self.last
            self.avoid.add(key.name)
        raise Elsewhere(verdict)

    def _give_up(self) -> None:
        self.given_up = True
        if self.first is not None:
            self.first.given_up = True
        raise asyncio.CancelledError

    async def _withdraw(self, attempt: int) -> None:
        """Give the reservation of a call back that nobody waits for any more, and raise CancelledError."""
        at = timestamp(self.policy.clock.now())

        def withdraw(connection: sqlite3.Connection) -> None:
            move_attempt(connection, attempt, "failed", error_type="RequestCancelled", finished_at=at)
            settle(connection, attempt, "released", None)

        await asyncio.wrap_future(self.engine.store.journal.transact(withdraw))
        self._give_up()

    def foreseen(self) -> tuple[float | None, str]:
        """Return what the call will cost in USD, and how that is known."""
        model = self.prepared.model
        return estimate(model.spec.price, self.prepared.sent, self.policy.assumed_price(model.id))

    def failed(self, error: ImagegenError) -> Result:
        """Return a failure as a value; nothing is written here, a fallback may still answer."""
        prepared = self.prepared
        status = "failed"
        cost = Cost(0.0, None, "table")
        if isinstance(error, ContentBlocked):
            status = "blocked"
        if isinstance(error, ProviderError) and error.paid is not False:
            usd, basis = self.foreseen()
            cost = Cost(usd, usd, basis) if error.paid else Cost(None, None, "unknown")
            status = status if error.paid else "unknown"
        if self.spent_before is not None:
            cost = replace(cost, usd=total(self.spent_before, cost))
        return Result(
            request=prepared.asked, sent=prepared.sent, status=status,  # type: ignore[arg-type]  # one of Status
            attempts=tuple(self.attempts), cost=cost, adaptations=prepared.notes, error=error.message,
            error_type=type(error).__name__, origin=prepared.origin, key=prepared.key, step=self.place.step,
            exception=error,
        )  # fmt: skip
