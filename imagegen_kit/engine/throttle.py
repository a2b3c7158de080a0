"""The limiter rows of the journal: what all processes know of a key's rate, rest and life.

A service that answers "too many requests" is obeyed by everybody who uses the key: nobody calls before the time that it
named, then the rate is lower and grows slowly again (additive increase, multiplicative decrease: Chiu and Jain, 1989).
The first refusal tells little of the rate that is allowed, so from half of what was seen it doubles every few seconds
until the second (slow start: Jacobson, 1988). From then on it is cut by half where many calls are refused or the pause
is long, and by less where neither is so: a service that refuses one call in ten whatever the rate must not bring all to
a crawl. All functions run inside a write transaction of the journal; times are seconds since 1970.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

GROWTH = 0.1  # of the cut rate, regained a second: what was halved is back after ten
DOUBLES_S = 2.5  # seconds in which a first guess doubles
MOST_CUT, LEAST_CUT = 0.5, 0.2
CUT_A_SECOND = 0.2  # of the pause that was asked for: what is cut takes twice as long to come back as the pause lasts
MEMORY = 16  # calls over which the share of refused ones is reckoned
SLOWEST = 0.5  # calls a second: what is slower is the service's to say, by how long it asks to wait
SLACK_S = 0.2  # by which calls that came late may be made up for: waking and asking take their time too
FADE_S = 2.0  # calls count this long for the rate at which a limit shows
FORGET_S = 120.0  # without another refusal the limit is forgotten
REVIVE_S = 600.0  # then a dead key may be tried again, by one call


@dataclass(frozen=True, slots=True)
class Wait:
    """A call that is not due yet: ask again after ``seconds``; ``reason`` says why, empty where it is only its turn."""

    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limiter row."""

    not_before: float = 0.0
    rate: float | None = None
    rate_at: float = 0.0
    next_at: float = 0.0
    recent: float = 0.0
    recent_at: float = 0.0
    share: float = 0.0
    searching: int = 0
    reason: str | None = None

    def rate_now(self, now: float) -> float | None:
        """Return the calls a second that are allowed at ``now``; None where there is no limit (any more)."""
        since = max(0.0, now - self.rate_at)
        if self.rate is None or since > FORGET_S:
            return None
        return self.rate * (2 ** (since / DOUBLES_S) if self.searching else 1 + GROWTH * since)

    def recent_now(self, now: float) -> float:
        """Return how many calls of the last seconds still count at ``now``."""
        return self.recent * math.exp(-max(0.0, now - self.recent_at) / FADE_S)

    def admitted(self, now: float) -> Limit | Wait:
        """Return the row after one more call at ``now``, or how long that call has to wait."""
        if self.not_before > now:
            return Wait(self.not_before - now, self.reason or "the service asked to wait")
        rate, due = self.rate_now(now), self.next_at
        if rate is None:
            due = now
        elif due > now:
            return Wait(due - now)
        else:
            due = max(due, now - SLACK_S) + 1 / rate
        return replace(
            self,
            rate=None if rate is None else self.rate,
            next_at=due,
            recent=self.recent_now(now) + 1,
            recent_at=now,
            share=self.share * (1 - 1 / MEMORY),
        )

    def refused(self, now: float, started: float, wait: float, reason: str) -> Limit:
        """Return the row after a call that ``started`` was refused for its rate, and shall rest for ``wait`` seconds.

        Calls that were under way when the rate was cut do not cut it again.
        """
        until = max(self.not_before, now + wait)
        share = min(1.0, self.share + 1 / MEMORY)
        rate = self.rate_now(now)
        after = replace(self, not_before=until, next_at=until, share=share, reason=reason)
        if rate is None:
            first = max(SLOWEST, self.recent_now(now) / FADE_S / 2)
            return replace(after, rate=first, rate_at=until, searching=1)
        if started < self.rate_at:
            return replace(after, rate_at=max(self.rate_at, until))
        cut = min(MOST_CUT, max(LEAST_CUT, CUT_A_SECOND * wait, share))
        return replace(after, rate=max(SLOWEST, rate * (1 - cut)), rate_at=until, searching=0)


_COLUMNS = "not_before, rate, rate_at, next_at, recent, recent_at, share, searching, reason"
_SET = ", ".join(f"{name} = excluded.{name}" for name in (*_COLUMNS.split(", "), "updated_at"))


def admit(connection: sqlite3.Connection, name: str, now: float) -> Wait | None:
    """Count one more call of ``name``, or return how long it has to wait and change nothing."""
    limit = _read(connection, name)
    after = (limit or Limit()).admitted(now)
    if isinstance(after, Wait):
        return after
    _write(connection, name, after, now)
    return None


def rest(connection: sqlite3.Connection, name: str, now: float, wait: float, reason: str) -> None:
    """Let nobody call ``name`` for ``wait`` seconds: its allowance is used up, though nothing was refused."""
    limit = _read(connection, name) or Limit()
    until = max(limit.not_before, now + wait)
    after = replace(limit, not_before=until, next_at=max(limit.next_at, until), reason=reason)
    _write(connection, name, after, now)


def refuse(connection: sqlite3.Connection, name: str, now: float, started: float, wait: float, reason: str) -> None:
    """Record that the service refused a call of ``name`` for its rate."""
    _write(connection, name, (_read(connection, name) or Limit()).refused(now, started, wait, reason), now)


def _read(connection: sqlite3.Connection, name: str) -> Limit | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM limits WHERE name = ?", (name,)).fetchone()
    return None if row is None else Limit(*row)


def _write(connection: sqlite3.Connection, name: str, limit: Limit, now: float) -> None:
    connection.execute(
        f"INSERT INTO limits (name, state, {_COLUMNS}, updated_at) VALUES (?, 'ok', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT (name) DO UPDATE SET {_SET}",
        (
            name, limit.not_before, limit.rate, limit.rate_at, limit.next_at, limit.recent, limit.recent_at,
            limit.share, limit.searching, limit.reason, now,
        ),
    )  # fmt: skip


def mark(connection: sqlite3.Connection, name: str, now: float, dead: str | None) -> None:
    """Record that the service refuses the key ``name`` and why, or (None) that it takes it."""
    connection.execute(
        "INSERT INTO limits (name, state, not_before, rate_at, next_at, recent, recent_at, reason, updated_at) "
        "VALUES (?, ?, 0, 0, 0, 0, 0, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state, "
        "reason = excluded.reason, updated_at = excluded.updated_at",
        (name, "ok" if dead is None else "dead", dead, now),
    )


def read_dead(connection: sqlite3.Connection, names: list[str], now: float) -> set[str]:
    """Return which of the keys ``names`` are dead, and not so long that one of their calls might tell otherwise."""
    sql = f"SELECT name FROM limits WHERE state = 'dead' AND updated_at > ? AND name IN ({', '.join('?' * len(names))})"
    return {name for (name,) in connection.execute(sql, (now - REVIVE_S, *names))}
