"""States move by one table: random walks through the engine's own statements, on the journal's own tables."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.rows import move_attempt
from imagegen_kit.errors import StoreError
from imagegen_kit.store.states import ATTEMPT_MOVES, LEDGER_MOVES, UPLOAD_MOVES, check_move

if TYPE_CHECKING:
    from collections.abc import Iterator

SOAK = os.environ.get("IMAGEGEN_SOAK") == "1"
SCHEMA = files("imagegen_kit.store").joinpath("schema.sql").read_text(encoding="utf-8")
WALKS = settings(  # of each kind; a busy machine is no fault
    max_examples=1000 if SOAK else 150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
STATES = st.sampled_from(sorted(ATTEMPT_MOVES))
ATTEMPT = (
    "INSERT INTO attempts (id, request, number, state, model, account, origin, key, started_at) "
    "VALUES (1, 1, 1, 'planned', 'm', 'a', 'o', 'k', 'now')"
)
ENTRY = (
    "INSERT INTO ledger (attempt, run, session, account, model, day, state, reserved_usd) "
    "VALUES (1, 1, 's', 'a', 'm', 'today', 'reserved', 0.04)"
)
UPLOAD = (
    "INSERT INTO uploads (id, sha256, format, target, name, state, started_at) "
    "VALUES (1, 'f', 'png', 's3://b', 'n', 'planned', 'now')"
)


@cache
def made() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    return connection


@contextmanager
def tables() -> Iterator[sqlite3.Connection]:
    connection = made()
    connection.execute("BEGIN")
    for row in (ATTEMPT, ENTRY, UPLOAD):
        connection.execute(row)
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")


def state_in(connection: sqlite3.Connection, table: str) -> str:
    ((state,),) = connection.execute(f"SELECT state FROM {table}").fetchall()
    return str(state)


@WALKS
@given(walk=st.lists(STATES, max_size=14))
def test_an_attempt_goes_where_the_table_says_and_nowhere_else(walk):
    with tables() as connection:
        state = "planned"
        for new in walk:
            if new in ATTEMPT_MOVES[state] or state == new == "unknown":
                move_attempt(connection, 1, new, error="why")
                state = new
            else:
                with pytest.raises(StoreError, match=f"'{state}' to '{new}'"):
                    move_attempt(connection, 1, new, error="never written")
            assert state_in(connection, "attempts") == state
            assert connection.execute("SELECT error FROM attempts").fetchone()[0] in (None, "why")


@WALKS
@given(pair=st.tuples(STATES, STATES), walk=st.lists(STATES, max_size=8))
def test_two_moves_at_once_are_both_legal_or_neither_is_made(pair, walk):
    with tables() as connection:
        state = "planned"
        for new in walk:
            if new in ATTEMPT_MOVES[state]:
                move_attempt(connection, 1, new)
                state = new
        if pair[0] in ATTEMPT_MOVES[state] and pair[1] in ATTEMPT_MOVES[pair[0]]:
            move_attempt(connection, 1, *pair)
            state = pair[1]
        else:
            with pytest.raises(StoreError):
                move_attempt(connection, 1, *pair)
        assert state_in(connection, "attempts") == state


@WALKS
@given(walk=st.lists(st.tuples(st.sampled_from(sorted(LEDGER_MOVES)), st.floats(0, 1)), max_size=8))
def test_money_moves_by_the_table_and_what_is_settled_keeps_its_amount(walk):
    with tables() as connection:
        state, spent = "reserved", None
        for new, usd in walk:
            amount = usd if new == "settled" else None
            if new in LEDGER_MOVES[state]:
                settle(connection, 1, new, amount)
                state, spent = new, amount
            elif state == new == "unknown":
                settle(connection, 1, new, amount)
            else:
                with pytest.raises(StoreError, match=f"'{state}' to '{new}'"):
                    settle(connection, 1, new, amount)
            assert connection.execute("SELECT state, spent_usd, reserved_usd FROM ledger").fetchall() == [
                (state, spent, 0.04)
            ]


def test_a_free_call_has_no_entry_to_settle():
    with tables() as connection:
        settle(connection, 2, "settled", 1.0)
        assert state_in(connection, "ledger") == "reserved"


@WALKS
@given(walk=st.lists(st.sampled_from(sorted(UPLOAD_MOVES)), max_size=10))
def test_an_upload_moves_by_the_table(walk):
    with tables() as connection:
        state = "planned"
        for new in walk:
            if new in UPLOAD_MOVES[state]:
                check_move(UPLOAD_MOVES, state_in(connection, "uploads"), new)
                connection.execute("UPDATE uploads SET state = ?", (new,))
                state = new
            else:
                with pytest.raises(StoreError, match=f"'{state}' to '{new}'"):
                    check_move(UPLOAD_MOVES, state_in(connection, "uploads"), new)
            assert state_in(connection, "uploads") == state
