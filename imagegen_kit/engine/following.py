"""What to do where a call is not to be sent now, because of what the journal knows of an equal one."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from imagegen_kit.engine.flight import Bought, Held, Left, Lost, is_held
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.reuse import FREE, find_cached
from imagegen_kit.engine.rows import INSERT_RESULT, result_row
from imagegen_kit.types import Progress, Result

if TYPE_CHECKING:
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.engine.reserving import Verdict

LOOK_EVERY_S = 0.2
GONE = (
    "another process sent the same request and ended before the answer came: it may have been made and paid. It is not "
    "bought again by itself; run.retry_failed(), or asking anew, does."
)


async def follow(purchase: Purchase, verdict: Verdict) -> Result | None:
    """Wait, take over or take what is there; return the result, or None where the purchase is to try again."""
    if isinstance(verdict, Held):
        purchase.waited_for = verdict.attempt
        if purchase.on_progress is not None:
            purchase.on_progress(Progress(text="another process is buying the same picture: waiting for it"))
        while is_held(purchase.engine.store.journal, verdict.attempt):  # noqa: ASYNC110  # no event crosses processes
            # Real time whatever the policy's clock shows: the other process goes by it.
            await asyncio.sleep(LOOK_EVERY_S * random.uniform(0.5, 1.5))  # noqa: S311  # spreads waits
    elif isinstance(verdict, Left):
        if not purchase.recorded:
            await asyncio.wrap_future(purchase.engine.store.journal.write(purchase.intent))
            purchase.recorded = True
        purchase.collect, purchase.key_id, purchase.claims = (verdict.attempt, verdict.job_id), verdict.key_id, False
        purchase.sending(True)
    elif isinstance(verdict, Bought):
        return await _take(purchase)
    elif isinstance(verdict, Lost):
        prepared = purchase.prepared
        return Result(
            request=prepared.asked, sent=prepared.sent, status="unknown", attempts=tuple(purchase.attempts), cost=FREE,
            adaptations=prepared.notes, error=GONE, error_type="OutcomeUnknown", origin=prepared.origin,
            key=prepared.key, step=purchase.place.step,
        )  # fmt: skip
    return None


async def _take(purchase: Purchase) -> Result | None:
    """Return the picture that an equal request has bought meanwhile; None where its file is not there."""
    engine, prepared = purchase.engine, purchase.prepared
    purchase.claims = False
    found = find_cached(engine.store, engine.remembered, prepared, purchase.place.step)
    if found is not None and not found.ok:
        return found  # it was bought, and its file is lost; the failure is written at the very end
    if found is None or not await engine.still_passes(found, purchase.policy):
        return None
    told = found.adaptations[len(prepared.notes) :]
    row = result_row(purchase.request_id, purchase.place, found, timestamp(purchase.policy.clock.now()), told)
    rows = [*(() if purchase.recorded else purchase.intent), (INSERT_RESULT, row)]
    await asyncio.wrap_future(engine.store.journal.write(rows))
    purchase.recorded = True
    return found
