"""Buying one answer: reserve, call the provider, keep what came, settle; and again where that is known to be free.

The order is the promise: intent and reservation are committed before anything is sent, a job id before the first poll,
and a result counts only when its bytes and its row are on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.prices import cost_of, estimate
from imagegen_kit.engine.budget import Entry, reserve, settle
from imagegen_kit.engine.calling import ProgressSink, call_provider
from imagegen_kit.engine.keep import failed_checks, keep_picture, keep_text, resized
from imagegen_kit.engine.policy import backoff, day_of, timestamp
from imagegen_kit.engine.rows import (
    INSERT_ARTIFACT,
    INSERT_ATTEMPT,
    INSERT_CHECK,
    INSERT_RESULT,
    artifact_row,
    columns_of,
    move_attempt,
    result_row,
)
from imagegen_kit.errors import (
    BudgetExceeded,
    CheckFailed,
    ContentBlocked,
    ImagegenError,
    ProviderError,
    RequestTimeout,
)
from imagegen_kit.types import Adaptation, Attempt, Cost, Progress, Reply, Result, TextRequest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.engine.rows import Place
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Artifact, Check


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
    collect: tuple[int, str] | None = None  # attempt id and job id of a job that a service has accepted already
    waiters: int = 0
    given_up: bool = False  # whoever waited has left, and nothing was sent
    submitted: bool = False  # sent, or about to be: it is not given up any more
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
                again = self.collect is not None or (error.retryable and error.paid is False)
                if not again or number >= policy.attempts:
                    return self._failed(error)
                self.submitted = self.collect is not None
                await clock.sleep(backoff(number, error.retry_after, clock.jitter()))
            except ImagegenError as error:
                return self._failed(error)

    async def _attempt(self, number: int) -> Result:
        engine, model, clock = self.engine, self.prepared.model, self.policy.clock
        asked_at = clock.monotonic()
        limit = engine.limit(model, self.policy)
        with contextlib.suppress(
            Exception
        ):  # loading it now keeps its import out of the seconds; the call tells faults
            await engine.provider(model.provider)
        async with limit.slot(clock):
            self.submitted = True  # cancelled between commit and call, it would leave a reservation of nothing
            attempt, free = await self._reserve(number)
            if self.waiters == 0 and not self.fallback and self.collect is None:
                await self._withdraw(attempt)
            started = clock.monotonic()
            progress = ProgressSink(self, attempt, clock)
            try:
                reply = await call_provider(self, progress)
            except ProviderError as error:
                if error.retry_after is not None:
                    limit.rest(max(0.0, error.retry_after), clock)
                await self._note_failure(progress, number, error, clock.monotonic() - started, free)
                raise
            if reply.rest_s:
                limit.rest(reply.rest_s, clock)
            called = clock.monotonic()
            await engine.keeping.acquire()  # held back here, no more pictures arrive than can be put away
        timings = {**reply.timings, "queue": started - asked_at}
        if self.collect is None:  # how long a job that was looked up again has taken is not known
            timings["total"] = called - started
        try:
            return await self._keep(attempt, number, reply, timings)
        finally:
            engine.keeping.release()

    async def _reserve(self, number: int) -> tuple[int, bool]:
        """Commit intent and reservation; return the attempt's id and whether the call is known to be free."""
        engine, prepared, policy = self.engine, self.prepared, self.policy
        usd, _ = self._foreseen()
        if self.collect is not None:
            return self.collect[0], usd == 0
        attempt, now = engine.store.journal.new_id(), policy.clock.now()
        row = (
            attempt, self.request_id, number, "submitting", prepared.model.id, prepared.account, prepared.origin,
            prepared.key, prepared.sent.to_json() if self.fallback else None, usd, timestamp(now), None,
        )  # fmt: skip
        rows = [*(() if self.recorded else self.intent), (INSERT_ATTEMPT, row)]
        budgets = engine.budgets(self.run_budget_usd)
        if usd == 0 and not budgets.any:
            await asyncio.wrap_future(engine.store.journal.write(rows))
            self.recorded = True
            return attempt, True
        entry = Entry(attempt, self.place.run, engine.session, prepared.account, prepared.model.id, day_of(now), usd)
        refusal = await asyncio.wrap_future(
            engine.store.journal.transact(lambda connection: reserve(connection, entry, budgets, rows))
        )
        if refusal:
            raise BudgetExceeded(refusal, model=prepared.model.id, request=prepared.asked)
        self.recorded = True
        return attempt, usd == 0

    async def _withdraw(self, attempt: int) -> None:
        """Give the reservation of a call back that nobody waits for any more, and raise CancelledError."""
        self.given_up = True
        at = timestamp(self.policy.clock.now())

        def withdraw(connection: sqlite3.Connection) -> None:
            move_attempt(connection, attempt, "failed", error_type="RequestCancelled", finished_at=at)
            settle(connection, attempt, "released", None)

        await asyncio.wrap_future(self.engine.store.journal.transact(withdraw))
        raise asyncio.CancelledError

    async def _note_failure(
        self, progress: ProgressSink, number: int, error: ProviderError, seconds: float, free: bool
    ) -> None:
        """Record a failed attempt; what may have been paid keeps its reservation.

        A job that the service has accepted is looked up again, as long as nobody knows what became of it.
        """
        job_id = progress.job_id or (self.collect[1] if self.collect is not None else None)
        self.collect = (progress.attempt, job_id) if job_id and progress.resumable and error.paid is None else None
        origin = self.prepared.origin
        if self.collect is not None and number < self.policy.attempts:
            self.attempts.append(
                Attempt(number, "submitted", self.prepared.account, origin, seconds, job_id=job_id, error=error.message)
            )
            return
        if error.paid is None and free:
            error.paid = False
            error.retryable = error.retryable or isinstance(error, RequestTimeout)
        state = "unknown" if error.paid is None else "failed"
        usd, _ = self._foreseen()
        moved = {False: ("released", None), True: ("settled", usd), None: ("unknown", None)}[error.paid]
        at = timestamp(self.policy.clock.now())

        def note(connection: sqlite3.Connection) -> None:
            values = {"error_type": type(error).__name__, "error": error.message, "finished_at": at}
            move_attempt(connection, progress.attempt, state, **values)
            settle(connection, progress.attempt, *moved)

        await asyncio.wrap_future(self.engine.store.journal.transact(note))
        self.attempts.append(
            Attempt(number, state, self.prepared.account, origin, seconds, job_id=job_id, error=error.message)
        )

    async def _keep(self, attempt: int, number: int, reply: Reply, timings: dict[str, float]) -> Result:
        engine, prepared, policy = self.engine, self.prepared, self.policy
        spec = prepared.model.spec
        assumed, today = policy.assumed_price(prepared.model.id), policy.clock.now().date()
        cost = cost_of(reply, prepared.sent, spec.price, assumed, today=today)
        notes = prepared.notes + tuple(reply.adaptations)
        if reply.model_used not in (None, prepared.model.id, spec.name):  # the service answered with another model
            notes += (Adaptation("model", prepared.model.id, reply.model_used, "replaced"),)
        spent = cost if self.spent_before is None else Cost(total(self.spent_before, cost), cost.price_usd, cost.basis)
        done = Attempt(number, "stored", prepared.account, prepared.origin, timings.get("total"))
        result = Result(
            request=prepared.asked, sent=prepared.sent, status="fallback" if self.fallback else "ok",
            attempts=(*self.attempts, done), usage=reply.usage, cost=spent, timings=timings,
            adaptations=notes, model_used=reply.model_used or prepared.model.id, origin=prepared.origin,
            key=prepared.key, step=self.place.step,
        )  # fmt: skip
        measure = _union(self.measure, policy.checks)
        made: Artifact | None = None
        checks: tuple[Check, ...] = ()
        error: ImagegenError | None = None
        started = policy.clock.monotonic()
        try:
            if isinstance(prepared.sent, TextRequest):
                made = await engine.in_thread(keep_text, engine.store.blobs, reply.text or "", prepared.sent)
            else:
                made, checks = await engine.in_thread(
                    keep_picture, engine.store.blobs, reply.pictures[0], prepared.sent, measure
                )
            if words := failed_checks(checks, policy.checks):
                error = CheckFailed(f"{prepared.model.id}: {words}", model=prepared.model.id, request=prepared.asked)
        except ImagegenError as problem:  # unsound bytes, or a store that is full: it is paid all the same
            error = problem
        except Exception as problem:
            error = ImagegenError(
                f"{prepared.model.id}: the answer came and could not be examined: {type(problem).__name__}: {problem}"
            )
        timings["keep"] = policy.clock.monotonic() - started
        if made is not None:
            told = (*result.adaptations, *resized(prepared.sent, made))
            result = replace(result, artifacts=(made,), checks=checks, adaptations=told)
        if error is not None:
            result = replace(
                result, status="failed", error=error.message, error_type=type(error).__name__, exception=error
            )
        await self._store(attempt, result, made, checks, cost)
        self.collect = None
        return result

    async def _store(
        self, attempt: int, result: Result, made: Artifact | None, checks: tuple[Check, ...], cost: Cost
    ) -> None:
        at = timestamp(self.policy.clock.now())
        rows: list[Statement] = []
        if result.ok:  # a failure is written at the very end, when no fallback has answered either
            # The request was recorded with what its own model could not honour, which says nothing of a fallback.
            told = result.adaptations[0 if self.fallback else len(self.prepared.notes) :]
            values = result_row(self.request_id, self.place, result, at, told)
            rows.append((INSERT_RESULT, values))
        if made is not None:
            rows.append((INSERT_ARTIFACT, artifact_row(made, at)))
        rows += [
            (INSERT_CHECK, (self.request_id, c.name, c.passed, None if c.value is None else str(c.value), c.limit))
            for c in checks
        ]

        def store(connection: sqlite3.Connection) -> None:
            states = ("ready", "stored") if made is not None else ("ready", "failed")
            move_attempt(connection, attempt, *states, finished_at=at, error_type=result.error_type, error=result.error)
            settle(connection, attempt, "settled", cost.usd)

        await asyncio.wrap_future(self.engine.store.journal.transact(store, rows))
        if result.ok and self.prepared.cacheable:
            self.engine.remembered.put(self.prepared.key, columns_of(values))

    def _foreseen(self) -> tuple[float | None, str]:
        """Return what the call will cost in USD, and how that is known."""
        model = self.prepared.model
        return estimate(model.spec.price, self.prepared.sent, self.policy.assumed_price(model.id))

    def _failed(self, error: ImagegenError) -> Result:
        """Return a failure as a value; nothing is written here, a fallback may still answer."""
        prepared = self.prepared
        status = "failed"
        cost = Cost(0.0, None, "table")
        if isinstance(error, ContentBlocked):
            status = "blocked"
        if isinstance(error, ProviderError) and error.paid is not False:
            usd, basis = self._foreseen()
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


def total(a: Cost, b: Cost) -> float | None:
    """Return what two calls for one picture cost together in USD; None where either is unknown."""
    return None if a.usd is None or b.usd is None else a.usd + b.usd


def _union(measure: Any, demanded: Any) -> Any:
    """Return the checks to run: those of the style, and those that the policy demands (which win)."""
    if measure is None or demanded is None:
        return demanded if measure is None else measure
    as_limits = [dict(c) if hasattr(c, "items") else dict.fromkeys(c) for c in (measure, demanded)]
    return {**as_limits[0], **as_limits[1]}
