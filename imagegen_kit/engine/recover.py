"""What to do with a request that an earlier process sent and never heard of again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.rows import INSERT_RESULT, move_attempt, result_row
from imagegen_kit.types import Attempt, Cost, Result

if TYPE_CHECKING:
    import sqlite3

    from imagegen_kit.engine.purchase import Purchase

LOST = (
    "it was sent, and the process ended before its answer was on disk: it may have been made and paid. "
    "It is not bought again by itself; run.retry_failed() does."
)


NOT_KEPT = "it was paid, and the process ended before what went wrong with it was written down."
_LAST = (
    "SELECT a.id, a.job_id, a.reserved_usd, a.number, a.account, a.origin, a.state, a.finished_at, a.error_type, "
    "a.error, a.model, a.key_id, l.state, l.spent_usd, "
    "EXISTS (SELECT 1 FROM results s WHERE s.run = ? AND s.request = a.request) "
    "FROM attempts a LEFT JOIN ledger l ON l.attempt = a.id WHERE a.request = ? "
    "ORDER BY a.finished_at IS NULL DESC, l.state = 'unknown' DESC, l.state = 'settled' DESC, a.id DESC LIMIT 1"
)


async def interrupted(purchase: Purchase, request_id: int) -> Result | None:
    """Prepare ``purchase`` to go on where an earlier process stopped, or return the result that is already certain.

    A known job is collected, not sent again. What was free is simply sent again. What may have been paid and cannot be
    looked up becomes ``unknown``. After ``retry_failed`` (there was a result) only a job that can be looked up is not
    bought again.
    """
    journal, clock = purchase.engine.store.journal, purchase.policy.clock
    rows = journal.read(_LAST, (purchase.place.run, request_id))
    if not rows:
        return None
    attempt, job_id, reserved, number, account, origin, state, finished, error_type, error = rows[0][:10]
    model, key_id, money, spent, told = rows[0][10:]
    purchase.recorded = True
    prepared = purchase.prepared
    if finished is None or state == "unknown":
        rota = await purchase.engine.keyring.rota(prepared.model.provider)
        mine = model == prepared.model.id
        if mine and job_id is not None and hasattr(rota.keys[0].provider, "collect"):
            purchase.collect = (attempt, job_id)
        elif mine and finished is None and prepared.model.spec.can.idempotent:
            purchase.attempt = attempt
        if purchase.collect is not None or purchase.attempt is not None:
            purchase.key_id, purchase.submitted = key_id, True
            owner = ("UPDATE ledger SET session = ? WHERE attempt = ?", (purchase.engine.session, attempt))
            await asyncio.wrap_future(journal.write([owner]))
            return None
    if finished is not None and (told or money not in ("unknown", "settled")):
        return None  # nothing is open, and nothing was paid that nobody was told of
    at = timestamp(clock.now())
    lost = finished is None or money == "unknown"
    cost = Cost(None, None, "unknown") if lost else Cost(spent, spent, "table" if spent is not None else "unknown")
    error_type, error = ("OutcomeUnknown", LOST) if lost else (error_type or "ProviderError", error or NOT_KEPT)
    result = Result(
        request=prepared.asked, sent=prepared.sent, status="unknown" if lost else "failed",
        attempts=(Attempt(number, "unknown" if lost else state, account, origin, job_id=job_id, error=error),),
        cost=cost, adaptations=prepared.notes, error=error, error_type=error_type, origin=prepared.origin,
        key=prepared.key, step=purchase.place.step,
    )  # fmt: skip
    free = reserved == 0

    def note(connection: sqlite3.Connection) -> None:
        if finished is None:
            new = "failed" if free else "unknown"
            move_attempt(connection, attempt, new, error_type=error_type, error=error, finished_at=at)
            if not free:
                settle(connection, attempt, "unknown", None)
        if not free:
            connection.execute(INSERT_RESULT, result_row(request_id, purchase.place, result, at))

    await asyncio.wrap_future(journal.transact(note))
    return None if free else result
