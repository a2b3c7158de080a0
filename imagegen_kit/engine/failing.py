"""What is written when a call fails: what may have been paid stays reserved, and everybody hears of limits and keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.reserving import limit_name
from imagegen_kit.engine.rows import move_attempt
from imagegen_kit.engine.throttle import mark, refuse, rest
from imagegen_kit.errors import AuthenticationFailed, ProviderError, QuotaExhausted, RateLimited, RequestTimeout
from imagegen_kit.store.waiting import backoff
from imagegen_kit.types import Attempt

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from imagegen_kit.engine.calling import ProgressSink
    from imagegen_kit.engine.limits import Key
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.engine.reserving import Reserved

REST = "the service asked to wait"


def refuses_key(error: ProviderError) -> bool:
    """Whether a failure tells of the key, so that another one may do."""
    return isinstance(error, (AuthenticationFailed, QuotaExhausted))


async def note_failure(
    purchase: Purchase,
    key: Key,
    progress: ProgressSink,
    number: int,
    error: ProviderError,
    seconds: float,
    sent_at: datetime,
    reserved: Reserved,
) -> None:
    """Record a failed attempt, sent at ``sent_at`` and failed after ``seconds``.

    A job that the service has accepted is looked up again, as long as nobody knows what became of it; and a call that
    the service ignores the second time is sent again.
    """
    policy, prepared = purchase.policy, purchase.prepared
    job_id = progress.job_id or (purchase.collect[1] if purchase.collect is not None else None)
    wait = _hold_back(purchase, key, error)
    more = purchase.tries + 1 < policy.attempts
    purchase.key_id = key.id
    looks_up = job_id is not None and progress.resumable and error.paid is None
    purchase.collect = (progress.attempt, job_id) if looks_up and job_id is not None else None
    resends = error.paid is None and not looks_up and prepared.model.spec.can.idempotent and not reserved.free
    purchase.attempt = progress.attempt if resends and more else None
    open_still = (looks_up and more) or purchase.attempt is not None
    if error.paid is None and reserved.free and not open_still:
        error.paid = False
        error.retryable = error.retryable or isinstance(error, RequestTimeout)
    state = "submitted" if open_still else "unknown" if error.paid is None else "failed"
    usd, _ = purchase.foreseen()
    moved = {False: ("released", None), True: ("settled", usd), None: ("unknown", None)}[error.paid]
    moment, limit = policy.clock.now(), limit_name(purchase, key)

    def note(connection: sqlite3.Connection) -> None:
        now = moment.timestamp()
        if limit is not None and isinstance(error, RateLimited):
            refuse(connection, limit, now, sent_at.timestamp(), wait, REST)
        elif limit is not None and wait:
            rest(connection, limit, now, wait, REST)
        if key.id is not None and refuses_key(error):
            mark(connection, key.name, now, type(error).__name__)
        if not open_still:
            values = {"error_type": type(error).__name__, "error": error.message, "finished_at": timestamp(moment)}
            move_attempt(connection, progress.attempt, state, **values)
            settle(connection, progress.attempt, *moved)

    await asyncio.wrap_future(purchase.engine.store.journal.transact(note))
    purchase.attempts.append(
        Attempt(number, state, key.account.name, prepared.origin, seconds, job_id=job_id, error=error.message)
    )


def _hold_back(purchase: Purchase, key: Key, error: ProviderError) -> float:
    """Let this process's calls with the key rest where they have to, and return for how many seconds."""
    clock = purchase.policy.clock
    if refuses_key(error) and purchase.collect is None:
        key.refuse()
        purchase.avoid.add(key.name)
    wait = error.retry_after
    if wait is not None:
        key.pause(purchase.prepared.model.id).extend(max(0.0, wait), clock)
    elif isinstance(error, RateLimited):
        wait = backoff(purchase.tries + 1, None, clock.jitter())
    return max(0.0, wait or 0.0)
