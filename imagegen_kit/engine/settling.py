"""What is written when a call is answered: bytes on disk first, then result, attempt and money in one transaction."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.prices import cost_of
from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.keep import Delivered, failed_checks, resized, with_room
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.reserving import limit_name
from imagegen_kit.engine.rows import (
    INSERT_ARTIFACT,
    INSERT_CHECK,
    INSERT_RESULT,
    artifact_row,
    columns_of,
    move_attempt,
    result_row,
)
from imagegen_kit.engine.throttle import mark, rest
from imagegen_kit.errors import CheckFailed, ImagegenError
from imagegen_kit.types import Adaptation, Attempt, Cost, Reply, Result

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable

    from imagegen_kit.engine.limits import Key
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Artifact, Check


async def keep_reply(
    purchase: Purchase, key: Key, attempt: int, number: int, reply: Reply, timings: dict[str, float], job_id: str | None
) -> Result:
    """Store what came back and return the result; what cannot be used is a failure that is paid all the same.

    ``job_id`` is the service's own name of the work, None where it has none.
    """
    engine, prepared, policy = purchase.engine, purchase.prepared, purchase.policy
    spec = prepared.model.spec
    assumed, today = policy.assumed_price(prepared.model.id), policy.clock.now().date()
    cost = cost_of(reply, prepared.sent, spec.price, assumed, today=today)
    notes = prepared.notes + tuple(reply.adaptations)
    if reply.model_used not in (None, prepared.model.id, spec.name):  # the service answered with another model
        notes += (Adaptation("model", prepared.model.id, reply.model_used, "replaced"),)
    before = purchase.spent_before
    spent = cost if before is None else Cost(total(before, cost), cost.price_usd, cost.basis)
    done = Attempt(number, "stored", key.account.name, prepared.origin, timings.get("total"), job_id)
    result = Result(
        request=prepared.asked, sent=prepared.sent, status="fallback" if purchase.fallback else "ok",
        attempts=(*purchase.attempts, done), usage=reply.usage, cost=spent, timings=timings,
        adaptations=notes, model_used=reply.model_used or prepared.model.id, origin=prepared.origin,
        key=prepared.key, step=purchase.place.step,
    )  # fmt: skip
    measure = purchase.measured
    made: Artifact | None = None
    checks: tuple[Check, ...] = ()
    error: ImagegenError | None = None
    started = policy.clock.monotonic()
    try:
        kept = await _with_room(purchase, lambda: engine.keep(reply, prepared.sent, measure))
        made, checks = kept.made, kept.checks
        result = replace(result, adaptations=(*result.adaptations, *kept.notes))
        if words := failed_checks(checks, policy.checks):
            error = CheckFailed(f"{prepared.model.id}: {words}", model=prepared.model.id, request=prepared.asked)
    except ImagegenError as problem:  # unsound bytes, or a store that is full: it is paid all the same
        error = problem
    except Exception as problem:
        error = ImagegenError(
            f"{prepared.model.id}: the answer came and could not be examined: {type(problem).__name__}: {problem}"
        )
    timings["keep"] = reply.keep_s if isinstance(reply, Delivered) else policy.clock.monotonic() - started
    if made is not None:
        told = (*result.adaptations, *resized(prepared.sent, made))
        result = replace(result, artifacts=(made,), checks=checks, adaptations=told)
    if error is not None:
        result = replace(result, status="failed", error=error.message, error_type=type(error).__name__, exception=error)
    await _store(purchase, key, attempt, result, made, cost, reply.rest_s)
    purchase.collect = purchase.attempt = None
    return result


async def _with_room(purchase: Purchase, keep: Callable[[], Awaitable[Any]]) -> Any:
    return await with_room(keep, purchase.policy.clock.sleep, purchase.tell_wait)


async def _store(
    purchase: Purchase,
    key: Key,
    attempt: int,
    result: Result,
    made: Artifact | None,
    cost: Cost,
    rest_s: float | None,
) -> None:
    moment = purchase.policy.clock.now()
    at, now = timestamp(moment), moment.timestamp()
    rows: list[Statement] = []
    values: tuple[Any, ...] = ()
    if result.ok:  # a failure is written at the very end, when no fallback has answered either
        # The request was recorded with what its own model could not honour, which says nothing of a fallback.
        told = result.adaptations[0 if purchase.fallback else len(purchase.prepared.notes) :]
        values = result_row(purchase.request_id, purchase.place, result, at, told)
        rows.append((INSERT_RESULT, values))
    if made is not None:
        rows.append((INSERT_ARTIFACT, artifact_row(made, at)))
    rows += purchase.engine.store.planned_upload(made, at)
    rows += [
        (INSERT_CHECK, (purchase.request_id, c.name, c.passed, None if c.value is None else str(c.value), c.limit))
        for c in result.checks
    ]
    limit, first = limit_name(purchase, key), key.id is not None and not key.proven

    def store(connection: sqlite3.Connection) -> None:
        if limit is not None and rest_s:
            rest(connection, limit, now, rest_s, "its allowance is used up")
        if first:
            mark(connection, key.name, now, None)
        (state,) = connection.execute("SELECT state FROM attempts WHERE id = ?", (attempt,)).fetchone()
        if state in ("stored", "uploaded"):  # this process slept past its lease, and another one fetched the same job
            mine = (purchase.place.run, purchase.request_id)
            connection.execute("UPDATE results SET cost_usd = 0 WHERE run = ? AND request = ? AND replaced = 0", mine)
            return
        states = ("ready", "stored") if made is not None else ("ready", "failed")
        move_attempt(connection, attempt, *states, finished_at=at, error_type=result.error_type, error=result.error)
        settle(connection, attempt, "settled", cost.usd)

    journal = purchase.engine.store.journal
    await _with_room(purchase, lambda: asyncio.wrap_future(journal.transact(store, rows)))
    key.accept()
    if made is not None and (uploads := purchase.engine.store.uploads) is not None:
        uploads.wake()
    if result.ok and purchase.prepared.cacheable:
        size = made.size_bytes if made is not None else None
        purchase.engine.remembered.put(purchase.prepared.key, (*columns_of(values), size, None))


def total(a: Cost, b: Cost) -> float | None:
    """Return what two calls for one picture cost together in USD; None where either is unknown."""
    return None if a.usd is None or b.usd is None else a.usd + b.usd
