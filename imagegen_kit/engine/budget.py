"""Budgets: money is reserved in the same transaction that records the intent, and settled when the outcome is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.providers.accounts import SIMULATION
from imagegen_kit.store.states import LEDGER_MOVES, check_move

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

TOLERANCE_USD = 1e-9  # ten calls of 0.1 make a budget of 1.0
ACCOUNT = "this account's budget"


@dataclass(frozen=True, slots=True)
class Budgets:
    """The most that may be spent, in USD, by one run, one session, one UTC day and one API key; None is no limit."""

    run_usd: float | None = None
    session_usd: float | None = None
    day_usd: float | None = None
    account_usd: float | None = None

    @property
    def any(self) -> bool:
        """Whether any limit is set."""
        return any(v is not None for v in (self.run_usd, self.session_usd, self.day_usd, self.account_usd))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger before it is written. ``usd`` None: no price is known."""

    attempt: int
    run: int
    session: str
    account: str
    model: str
    day: str
    usd: float | None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a budget forbids a call; ``account``: it is that of one API key, another one may have room."""

    words: str
    account: bool = False


_SPENT = "SELECT COALESCE(SUM(usd), 0) FROM spending WHERE scope = ? AND simulated = ?"


def refused(connection: sqlite3.Connection, entry: Entry, budgets: Budgets) -> Refusal | None:
    """Return why a budget forbids ``entry``, or None.

    Run it inside the write transaction that enters it, so that no two calls see the same money. Simulated money is
    counted apart: it is held against the same limits, and never takes from the real one.
    """
    limits = (
        ("this run's budget", budgets.run_usd, f"run {entry.run}"),
        ("this session's budget", budgets.session_usd, f"session {entry.session}"),
        ("today's budget", budgets.day_usd, f"day {entry.day}"),
        (ACCOUNT, budgets.account_usd, entry.key_id or f"no key of {entry.model.partition('/')[0]}"),
    )
    for name, limit, scope in limits:
        if limit is None or entry.usd == 0:
            continue
        if entry.usd is None:
            return Refusal(
                f"no price is known for {entry.model}, so {name} of ${limit:.2f} cannot be kept. "
                "Say what to reckon with: Policy(assume_usd=…)."
            )
        (spent,) = connection.execute(_SPENT, (scope, int(entry.account == SIMULATION))).fetchone()
        if spent + entry.usd > limit + TOLERANCE_USD:
            words = (
                f"{entry.model} costs about ${entry.usd:.4f}; ${spent:.4f} of {name} of ${limit:.2f} is spent or "
                "reserved. Nothing was sent."
            )
            return Refusal(words, account=name == ACCOUNT)
    return None


def enter(connection: sqlite3.Connection, entry: Entry, rows: Sequence[tuple[str, Any]]) -> None:
    """Write ``rows`` (the intent) and the ledger's entry; what is free has none."""
    for sql, values in rows:
        connection.execute(sql, values)
    if entry.usd != 0:
        connection.execute(
            "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, NULL, ?)",
            (entry.attempt, entry.run, entry.session, entry.account, entry.model, entry.day, entry.usd, entry.key_id),
        )


def settle(connection: sqlite3.Connection, attempt: int, state: str, spent_usd: float | None) -> None:
    """Move the ledger entry of ``attempt``, where it has one, to settled, released or unknown."""
    row = connection.execute("SELECT state FROM ledger WHERE attempt = ?", (attempt,)).fetchone()
    if row is None:
        return
    if state == row[0] == "unknown":
        return  # looked up, and still unknown
    check_move(LEDGER_MOVES, row[0], state)
    connection.execute("UPDATE ledger SET state = ?, spent_usd = ? WHERE attempt = ?", (state, spent_usd, attempt))
