"""Equal requests of several processes: the first one buys, the others wait, and take over where it dies.

A session that buys something renews a lease in the journal every few seconds; without it, it counts as dead, and what
it has left open belongs to whoever asks for the same next. All functions but ``Heartbeat`` run inside a write
transaction; times are seconds since 1970.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.rows import FIND_CACHED, move_attempt
from imagegen_kit.errors import StoreError
from imagegen_kit.providers.accounts import SIMULATION

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from imagegen_kit.store import Journal

LEASE_S = 6.0
COLLECTED_FOR_S = 24 * 3600.0  # services keep what a job made for some hours


@dataclass(frozen=True, slots=True)
class Held:
    """Another process is buying it: ``attempt`` is its call."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Left:
    """A job that the service accepted, and whose process has ended: it is this one's now."""

    attempt: int
    job_id: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Lost:
    """The process that was buying it has ended, and nobody knows what became of the call."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Bought:
    """It is in the store by now."""


Claim = Held | Left | Lost | Bought
_OPEN = (
    "SELECT a.id, a.state, a.job_id, a.key_id, a.account, a.started_at, l.session, "
    "COALESCE((SELECT expires_at FROM leases WHERE name = 'session ' || l.session), 0) FROM attempts a "
    "JOIN ledger l ON l.attempt = a.id WHERE a.key = ? "
    "AND a.state IN ('submitting', 'submitted', 'running', 'ready', 'unknown') ORDER BY a.id"
)


def claim(
    connection: sqlite3.Connection,
    key: str,
    session: str,
    now: float,
    at: str,
    since: str,
    *,
    waited_for: int | None,
    collects: bool,
) -> Claim | None:
    """Return what is known of an equal request of another session; None where this one is to buy it.

    ``at`` is now, and ``since`` the earliest start of a job that is still looked up (if the provider ``collects``), as
    the journal writes times; ``waited_for`` is the attempt that this request has been waiting for.
    """
    if connection.execute(FIND_CACHED, (key,)).fetchone() is not None:
        return Bought()
    for attempt, state, job_id, key_id, account, started_at, owner, alive_until in connection.execute(
        _OPEN, (key,)
    ).fetchall():
        if owner == session and state != "unknown":
            continue  # this process joins its own
        if state != "unknown" and alive_until > now:
            return Held(attempt)
        if job_id is not None and collects and account != SIMULATION and started_at > since:
            connection.execute("UPDATE ledger SET session = ? WHERE attempt = ?", (session, attempt))
            return Left(attempt, job_id, key_id)
        if state != "unknown":
            move_attempt(connection, attempt, "unknown", error_type="OutcomeUnknown", finished_at=at)
            settle(connection, attempt, "unknown", None)
        if attempt == waited_for:
            return Lost(attempt)
    return None


def lease_row(session: str, now: float) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that lets other processes know that ``session`` lives."""
    return "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (f"session {session}", session, now + LEASE_S)


def is_held(journal: Journal, attempt: int) -> bool:
    """Whether ``attempt`` is still under way in a session that lives."""
    rows = journal.read(
        "SELECT 1 FROM attempts a JOIN ledger l ON l.attempt = a.id JOIN leases s ON s.name = 'session ' || l.session "
        "WHERE a.id = ? AND a.state IN ('submitting', 'submitted', 'running', 'ready') AND s.expires_at > ?",
        (attempt, time.time()),
    )
    return bool(rows)


class Heartbeat:
    """Renews a session's lease while it has calls under way, and gives it back when the session ends."""

    def __init__(self, journal: Journal, session: str, busy: Callable[[], Any]) -> None:
        self._journal, self._session, self._busy = journal, session, busy
        self._until = 0.0
        self._task: asyncio.Task[None] | None = None

    def due(self, now: float) -> bool:
        """Whether the lease has to be renewed with the next call; starts to renew it from then on."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._beat())
        if now < self._until - LEASE_S / 2:
            return False
        self._until = now + LEASE_S
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            if not self._busy():
                return
            now = time.time()
            with contextlib.suppress(StoreError):  # the next one may succeed; calls tell of a store that is broken
                await asyncio.wrap_future(self._journal.write([lease_row(self._session, now)]))
                self._until = now + LEASE_S

    async def end(self) -> None:
        """Give the lease back."""
        if self._task is None:
            return
        self._task.cancel()
        row = ("DELETE FROM leases WHERE name = ?", (f"session {self._session}",))
        with contextlib.suppress(StoreError):  # it runs out by itself
            await asyncio.wrap_future(self._journal.write([row]))
