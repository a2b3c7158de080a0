"""Attempts, uploads and the ledger move by one table, and in no other way."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.engine.budget import settle
from imagegen_kit.engine.rows import move_attempt
from imagegen_kit.errors import StoreError
from imagegen_kit.store.states import (
    ATTEMPT_MOVES,
    LEDGER_MOVES,
    MAYBE_PAID,
    OPEN_STATES,
    UPLOAD_MOVES,
    check_move,
)

TABLES = {"attempts": ATTEMPT_MOVES, "ledger": LEDGER_MOVES, "uploads": UPLOAD_MOVES}


@pytest.mark.parametrize("moves", TABLES.values(), ids=TABLES)
@given(walk=st.lists(st.integers(0, 12), max_size=30))
def test_a_random_walk_moves_exactly_where_the_table_says(moves, walk):
    names = list(moves)
    state = names[0]
    for step in walk:
        new = names[step % len(names)]
        if new in moves[state]:
            check_move(moves, state, new)
            state = new
        else:
            with pytest.raises(StoreError, match=f"'{state}' to '{new}'"):
                check_move(moves, state, new)


@pytest.mark.parametrize("moves", TABLES.values(), ids=TABLES)
def test_every_state_that_can_be_reached_is_in_the_table(moves):
    assert {new for targets in moves.values() for new in targets} <= set(moves)


def test_what_is_sent_can_never_become_cancelled_before_its_job_is_named():
    assert "cancelled" not in ATTEMPT_MOVES["submitting"]
    assert set(OPEN_STATES) | set(MAYBE_PAID) <= set(ATTEMPT_MOVES)


@pytest.mark.parametrize("last", ["stored", "failed", "cancelled"])
def test_nothing_leads_back_from_an_end(last):
    assert ATTEMPT_MOVES[last] <= {"uploaded"}


@given(walk=st.lists(st.sampled_from(sorted(ATTEMPT_MOVES)), max_size=12))
def test_a_row_keeps_its_state_when_a_move_is_refused(walk):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE attempts (id INTEGER, state TEXT, error TEXT)")
    connection.execute("INSERT INTO attempts VALUES (1, 'submitting', NULL)")
    state = "submitting"
    for new in walk:
        if new in ATTEMPT_MOVES[state] or state == new == "unknown":
            move_attempt(connection, 1, new, error="x")
            state = new
        else:
            with pytest.raises(StoreError):
                move_attempt(connection, 1, new)
        assert connection.execute("SELECT state FROM attempts").fetchone() == (state,)
    connection.close()


@given(walk=st.lists(st.sampled_from(["settled", "released", "unknown"]), max_size=6))
def test_money_that_is_settled_or_released_stays_so(walk):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE ledger (attempt INTEGER, state TEXT, spent_usd REAL)")
    connection.execute("INSERT INTO ledger VALUES (1, 'reserved', NULL)")
    state = "reserved"
    for new in walk:
        if new in LEDGER_MOVES[state] or state == new == "unknown":
            settle(connection, 1, new, 0.1)
            state = new
        else:
            with pytest.raises(StoreError):
                settle(connection, 1, new, 0.2)
    assert connection.execute("SELECT state FROM ledger").fetchone() == (state,)
    settle(connection, 2, "settled", 1.0)  # a free call has no entry
    connection.close()
