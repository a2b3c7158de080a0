"""Buying one picture: reserve, call the provider, keep what came, settle; and again where that is known to be free.

The order is the promise: intent and reservation are committed before anything is sent, a job id before the first poll,
and a result counts only when its bytes and its row are on disk.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.prices import cost_of, estimate
from imagegen_kit.engine.budget import Entry, reserve, settle
from imagegen_kit.engine.keep import failed_checks, keep_picture
from imagegen_kit.engine.policy import backoff, day_of, timestamp
from imagegen_kit.engine.rows import (
    INSERT_ARTIFACT,
    INSERT_ATTEMPT,
    INSERT_CHECK,
    INSERT_RESULT,
    artifact_row,
    move_attempt,
    result_row,
)
from imagegen_kit.errors import (
    BudgetExceeded,
    CheckFailed,
    ContentBlocked,
    ImagegenError,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    RequestTimeout,
)
from imagegen_kit.providers.base import VERBS
from imagegen_kit.types import Accepted, Adaptation, Attempt, Cost, Progress, Reply, Result

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Clock, Policy
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.engine.rows import Place
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Check

ACCOUNT = "default"


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
    fallback: bool = False
    on_progress: Callable[[Progress], None] | None = None
    collect: tuple[int, str] | None = None  # attempt id and job id of an earlier, interrupted attempt
    waiters: int = 0
    submitted: bool = False
    spent_before: Cost | None = None  # by the model that this one stands in for
    recorded: bool = False  # the intent is in the journal
    attempts: list[Attempt] = field(default_factory=list)

    async def run(self) -> Result:
        """Return the stored result; failures are values."""
        policy, clock = self.policy, self.policy.clock
        number = 0
        while True:
            number += 1
            try:
                return await self._attempt(number)
            except ProviderError as error:
                again = error.retryable and error.paid is False and number < policy.attempts
                if not again:
                    return self._failed(error)
                wait = backoff(number, error.retry_after, clock.jitter())
                if error.retry_after is not None:
                    self.engine.limit(self.prepared.model, policy).rest(wait, clock)
                self.submitted = False
                await clock.sleep(wait)
            except ImagegenError as error:
                return self._failed(error)

    async def _attempt(self, number: int) -> Result:
        engine, model, clock = self.engine, self.prepared.model, self.policy.clock
        asked_at = clock.monotonic()
        limit = engine.limit(model, self.policy)
        async with limit.slot(clock):
            attempt, free = await self._reserve(number)
            self.submitted = True
            started = clock.monotonic()
            try:
                reply = await self._call(attempt, clock)
            except ProviderError as error:
                await self._note_failure(attempt, number, error, clock.monotonic() - started, free)
                raise
            called = clock.monotonic()
            await engine.keeping.acquire()  # held back here, no more pictures arrive than can be put away
        timings = {**reply.timings, "queue": started - asked_at, "total": called - started}
        try:
            return await self._keep(attempt, number, reply, timings)
        finally:
            engine.keeping.release()

    async def _reserve(self, number: int) -> tuple[int, bool]:
        """Commit intent and reservation; return the attempt's id and whether the call is known to be free."""
        engine, prepared, policy = self.engine, self.prepared, self.policy
        if self.collect is not None:
            return self.collect[0], False
        usd, _ = estimate(prepared.model.spec.price, policy.assumed_price(prepared.model.id))
        attempt, now = engine.store.journal.new_id(), policy.clock.now()
        origin = prepared.model.provider.origin
        row = (
            attempt, self.request_id, number, "submitting", prepared.model.id, ACCOUNT, origin, prepared.key,
            prepared.sent.to_json() if self.fallback else None, usd, timestamp(now),
        )  # fmt: skip
        rows = [*(self.intent if number == 1 else ()), (INSERT_ATTEMPT, row)]
        budgets = engine.budgets(self.run_budget_usd)
        if usd == 0 and not budgets.any:
            await asyncio.wrap_future(engine.store.journal.write(rows))
            self.recorded = True
            return attempt, True
        entry = Entry(attempt, self.place.run, engine.session, ACCOUNT, prepared.model.id, day_of(now), usd)
        refusal = await asyncio.wrap_future(
            engine.store.journal.transact(lambda connection: reserve(connection, entry, budgets, rows))
        )
        if refusal:
            raise BudgetExceeded(refusal, model=prepared.model.id, request=prepared.asked)
        self.recorded = True
        return attempt, usd == 0

    async def _call(self, attempt: int, clock: Clock) -> Reply:
        prepared, policy = self.prepared, self.policy
        sent, model = prepared.sent, prepared.model
        progress = _Progress(self, attempt, clock)
        timeout = policy.timeout_s or model.spec.timeout_s
        context: dict[str, Any] = {"provider": model.provider.name, "model": model.id, "request": prepared.asked}
        try:
            provider = await self.engine.provider(model.provider)
            async with asyncio.timeout(timeout):
                if self.collect is not None:
                    reply = await provider.collect(self.collect[1], sent, progress)
                else:
                    reply = await getattr(provider, VERBS[sent.kind])(sent, progress)
            if not isinstance(reply, Reply):
                raise NoPictureReturned(f"{model.id} returned {type(reply).__name__}, not a Reply", **context)
            if sent.kind == "image" and not reply.pictures:
                raise NoPictureReturned(f"{model.id} answered without a picture", **context)
        except ProviderError as error:
            error.model, error.provider = error.model or model.id, error.provider or model.provider.name
            error.request = error.request or prepared.asked
            raise
        except TimeoutError:
            raise RequestTimeout(f"{model.id} gave no answer within {timeout:g} s", **context) from None
        except ImagegenError as error:  # a missing package, an unreadable plugin: nothing was sent
            raise ProviderError(str(error), paid=False, **context) from error
        except Exception as error:
            message = f"{model.id} failed with {type(error).__name__}: {error}"
            raise OutcomeUnknown(message, **context) from error
        return reply

    async def _note_failure(self, attempt: int, number: int, error: ProviderError, seconds: float, free: bool) -> None:
        """Record a failed attempt; what may have been paid keeps its reservation."""
        if error.paid is None and free:
            error.paid = False
            error.retryable = error.retryable or isinstance(error, RequestTimeout)
        state = "unknown" if error.paid is None else "failed"
        usd, _ = estimate(self.prepared.model.spec.price, self.policy.assumed_price(self.prepared.model.id))
        moved = {False: ("released", None), True: ("settled", usd), None: ("unknown", None)}[error.paid]
        at = timestamp(self.policy.clock.now())

        def note(connection: sqlite3.Connection) -> None:
            values = {"error_type": type(error).__name__, "error": error.message, "finished_at": at}
            move_attempt(connection, attempt, state, **values)
            settle(connection, attempt, *moved)

        await asyncio.wrap_future(self.engine.store.journal.transact(note))
        origin = self.prepared.model.provider.origin
        self.attempts.append(Attempt(number, state, ACCOUNT, origin, seconds, error=error.message))

    async def _keep(self, attempt: int, number: int, reply: Reply, timings: dict[str, float]) -> Result:
        engine, prepared, policy = self.engine, self.prepared, self.policy
        spec = prepared.model.spec
        cost = cost_of(reply, spec.price, policy.assumed_price(prepared.model.id))
        notes = prepared.notes + tuple(reply.adaptations)
        if reply.model_used not in (None, prepared.model.id, spec.name):  # the service answered with another model
            notes += (Adaptation("model", prepared.model.id, reply.model_used, "replaced"),)
        spent = cost if self.spent_before is None else Cost(_sum(self.spent_before, cost), cost.price_usd, cost.basis)
        origin = prepared.model.provider.origin
        done = Attempt(number, "stored", ACCOUNT, origin, timings["total"])
        result = Result(
            request=prepared.asked, sent=prepared.sent, status="fallback" if self.fallback else "ok",
            attempts=(*self.attempts, done), usage=reply.usage, cost=spent, timings=timings,
            adaptations=notes, model_used=reply.model_used or prepared.model.id,
            key=prepared.key, step=self.place.step,
        )  # fmt: skip
        measure = _union(self.measure, policy.checks)
        picture: Picture | None = None
        checks: tuple[Check, ...] = ()
        error: ImagegenError | None = None
        started = policy.clock.monotonic()
        try:
            picture, checks = await engine.in_thread(
                keep_picture, engine.store.blobs, reply.pictures[0], prepared.sent, measure
            )
            if words := failed_checks(checks, policy.checks):
                error = CheckFailed(f"{prepared.model.id}: {words}", model=prepared.model.id, request=prepared.asked)
        except ProviderError as unsound:
            error = unsound
        timings["keep"] = policy.clock.monotonic() - started
        if picture is not None:
            result = replace(result, artifacts=(picture,), checks=checks)
        if error is not None:
            result = replace(
                result, status="failed", error=error.message, error_type=type(error).__name__, exception=error
            )
        await self._store(attempt, result, picture, checks, cost)
        return result

    async def _store(
        self, attempt: int, result: Result, picture: Picture | None, checks: tuple[Check, ...], cost: Cost
    ) -> None:
        at = timestamp(self.policy.clock.now())
        rows: list[Statement] = []
        if result.ok:  # a failure is written at the very end, when no fallback has answered either
            rows.append((INSERT_RESULT, result_row(self.request_id, self.place, result, at)))
        if picture is not None:
            rows.append((INSERT_ARTIFACT, artifact_row(picture, at)))
        rows += [
            (INSERT_CHECK, (self.request_id, c.name, c.passed, None if c.value is None else str(c.value), c.limit))
            for c in checks
        ]

        def store(connection: sqlite3.Connection) -> None:
            for sql, values in rows:
                connection.execute(sql, values)
            states = ("ready", "stored") if picture is not None else ("ready", "failed")
            move_attempt(connection, attempt, *states, finished_at=at)
            settle(connection, attempt, "settled", cost.usd)

        await asyncio.wrap_future(self.engine.store.journal.transact(store))

    def _failed(self, error: ImagegenError) -> Result:
        """Return a failure as a value; nothing is written here, a fallback may still answer."""
        prepared = self.prepared
        status = "failed"
        cost = Cost(0.0, 0.0, "table")
        if isinstance(error, ContentBlocked):
            status = "blocked"
        if isinstance(error, ProviderError) and error.paid is not False:
            usd, basis = estimate(prepared.model.spec.price, self.policy.assumed_price(prepared.model.id))
            cost = Cost(usd, usd, basis) if error.paid else Cost(None, None, "unknown")
            status = status if error.paid else "unknown"
        return Result(
            request=prepared.asked, sent=prepared.sent, status=status,  # type: ignore[arg-type]  # one of Status
            attempts=tuple(self.attempts), cost=cost, adaptations=prepared.notes, error=error.message,
            error_type=type(error).__name__, key=prepared.key, step=self.place.step, exception=error,
        )  # fmt: skip


class _Progress:
    """What a provider calls while it works; ``Accepted`` returns once the job id is committed."""

    def __init__(self, purchase: Purchase, attempt: int, clock: Clock) -> None:
        self._purchase, self._attempt, self.clock = purchase, attempt, clock

    async def __call__(self, event: Accepted | Progress) -> None:
        if isinstance(event, Accepted):
            journal, attempt = self._purchase.engine.store.journal, self._attempt
            await asyncio.wrap_future(
                journal.transact(
                    lambda c: move_attempt(c, attempt, "submitted", job_id=event.job_id, poll_url=event.poll_url)
                )
            )
        elif self._purchase.on_progress is not None:
            self._purchase.on_progress(event)


def _sum(a: Cost, b: Cost) -> float | None:
    return None if a.usd is None or b.usd is None else a.usd + b.usd


def _union(measure: Any, demanded: Any) -> Any:
    """Return the checks to run: those of the style, and those that the policy demands (which win)."""
    if measure is None or demanded is None:
        return demanded if measure is None else measure
    as_limits = [dict(c) if hasattr(c, "items") else dict.fromkeys(c) for c in (measure, demanded)]
    return {**as_limits[0], **as_limits[1]}
