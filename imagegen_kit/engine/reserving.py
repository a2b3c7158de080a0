"""The one transaction before a call: is it bought already, is it due, is there money; then intent and reservation."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from imagegen_kit.engine.budget import Entry, Refusal, enter, refused
from imagegen_kit.engine.flight import COLLECTED_FOR_S, Bought, Held, Left, Lost, claim, lease_row
from imagegen_kit.engine.policy import SystemClock, day_of, timestamp
from imagegen_kit.engine.rows import INSERT_ATTEMPT
from imagegen_kit.engine.throttle import Wait, admit, read_dead

if TYPE_CHECKING:
    import sqlite3

    from imagegen_kit.engine.limits import Key
    from imagegen_kit.engine.purchase import Purchase
    from imagegen_kit.store.journal import Statement


@dataclass(frozen=True, slots=True)
class Reserved:
    """The call may be sent: its attempt is in the journal. ``free``: it surely costs nothing."""

    attempt: int
    free: bool


@dataclass(frozen=True, slots=True)
class Dead:
    """Another process has learnt that the service refuses this key."""


Verdict = Reserved | Wait | Dead | Refusal | Held | Left | Lost | Bought


def limit_name(purchase: Purchase, key: Key) -> str | None:
    """Return the limiter row that all processes share for this call, None where there is none to share.

    A simulated clock shows a time of its own, so its waits mean nothing to other processes.
    """
    if key.id is None or not isinstance(purchase.policy.clock, SystemClock):
        return None
    return f"{purchase.prepared.model.id} {key.id}"


async def reserve_call(purchase: Purchase, key: Key, number: int, *, several: bool) -> Verdict:
    """Commit the intent and reserve the money of one call, or return why it is not sent now and write nothing.

    ``several``: another key could take the place of a dead one.
    """
    engine, prepared, policy = purchase.engine, purchase.prepared, purchase.policy
    usd, _ = purchase.foreseen()
    moment = policy.clock.now()
    now, at = moment.timestamp(), timestamp(moment)
    attempt = purchase.attempt if purchase.attempt is not None else engine.store.journal.new_id()
    row = (
        attempt, purchase.request_id, number, "submitting", prepared.model.id, key.account.name, prepared.origin,
        prepared.key, prepared.sent.to_json() if purchase.fallback else None, usd, at, key.id,
    )  # fmt: skip
    rows: list[Statement] = [*(() if purchase.recorded else purchase.intent), (INSERT_ATTEMPT, row)]
    budgets = engine.budgets(purchase.run_budget_usd)
    limit = limit_name(purchase, key)
    real = time.time()  # what other processes go by, whatever the policy's clock shows
    lease = [lease_row(engine.session, real)] if engine.heartbeat.due(real) else []
    if usd == 0 and not budgets.any and limit is None:
        await asyncio.wrap_future(engine.store.journal.write([*lease, *rows]))
        return Reserved(attempt, True)
    entry = Entry(
        attempt, purchase.place.run, engine.session, key.account.name, prepared.model.id, day_of(moment), usd, key.id
    )
    claims = purchase.claims and usd != 0
    since = timestamp(moment - timedelta(seconds=COLLECTED_FOR_S))
    collects, waited_for = hasattr(key.provider, "collect"), purchase.waited_for

    def run(connection: sqlite3.Connection) -> Verdict:
        if claims:
            known = claim(
                connection, prepared.key, engine.session, real, at, since, waited_for=waited_for, collects=collects
            )
            if known is not None:
                return known
        if several and read_dead(connection, [key.name], now):
            return Dead()
        if purchase.attempt is None and (refusal := refused(connection, entry, budgets)) is not None:
            return refusal  # before the limit: what is refused must not use up its turn
        if limit is not None and (wait := admit(connection, limit, now)) is not None:
            return wait
        if purchase.attempt is None:
            enter(connection, entry, rows)
        return Reserved(attempt, usd == 0)

    verdict: Verdict = await asyncio.wrap_future(engine.store.journal.transact(run, lease))
    return verdict
