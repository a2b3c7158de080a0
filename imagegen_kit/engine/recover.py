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
    "it was sent, and the process ended before the answer came: it may have been made and paid. "
    "It is not bought again by itself; run.retry_failed() does."
)


async def interrupted(purchase: Purchase, request_id: int) -> Result | None:
    """Prepare ``purchase`` to go on where an earlier process stopped, or return the result that is already certain.

    A known job is collected, not sent again. What was free is simply sent again. What may have been paid and cannot be
    looked up becomes ``unknown``.
    """
    journal, clock = purchase.engine.store.journal, purchase.policy.clock
    rows = journal.read(
        "SELECT id, job_id, reserved_usd, number, account, origin FROM attempts "
        "WHERE request = ? AND finished_at IS NULL ORDER BY id DESC LIMIT 1",
        (request_id,),
    )
    if not rows:
        return None
    attempt, job_id, reserved, number, account, origin = rows[0]
    provider = await purchase.engine.provider(purchase.prepared.model.provider)
    if job_id is not None and hasattr(provider, "collect"):
        purchase.collect = (attempt, job_id)
        purchase.submitted = purchase.recorded = True
        return None
    at = timestamp(clock.now())
    state = "failed" if reserved == 0 else "unknown"
    result = Result(
        request=purchase.prepared.asked, sent=purchase.prepared.sent, status="unknown",
        attempts=(Attempt(number, "unknown", account, origin, job_id=job_id, error=LOST),),
        cost=Cost(None, None, "unknown"), adaptations=purchase.prepared.notes, error=LOST,
        error_type="OutcomeUnknown", key=purchase.prepared.key, step=purchase.place.step,
    )  # fmt: skip

    def note(connection: sqlite3.Connection) -> None:
        move_attempt(connection, attempt, state, error_type="OutcomeUnknown", error=LOST, finished_at=at)
        if state == "unknown":
            settle(connection, attempt, "unknown", None)
            connection.execute(INSERT_RESULT, result_row(request_id, purchase.place, result, at))

    await asyncio.wrap_future(journal.transact(note))
    return result if state == "unknown" else None
