"""Attempts, uploads and the ledger move by one table, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
