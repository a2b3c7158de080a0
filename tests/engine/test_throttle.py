"""The arithmetic of a limit: rest as asked, half the rate, slow growth, and one call for each turn."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.engine.throttle import (
    FORGET_S,
    REVIVE_S,
    SLOWEST,
    Limit,
    Wait,
    admit,
    mark,
    read_dead,
    refuse,
    rest,
)

NOW = 1_800_000_000.0


@pytest.fixture
def table():
    connection = sqlite3.connect(":memory:")
    schema = files("imagegen_kit.store").joinpath("schema.sql").read_text()
    connection.executescript(schema[schema.index("CREATE TABLE IF NOT EXISTS limits") :].split(";\n")[0] + ";")
    yield connection
    connection.close()


def calls(limit: Limit, start: float, seconds: float, step: float = 0.01) -> tuple[Limit, list[float]]:
    """Ask every ``step`` for ``seconds``; return the limit and when a call was let through."""
    admitted = []
    for i in range(int(seconds / step)):
        now = start + i * step
        after = limit.admitted(now)
        if not isinstance(after, Wait):
            admitted.append(now)
            limit = after
    return limit, admitted


def test_without_a_refusal_nothing_waits():
    assert len(calls(Limit(), NOW, 1)[1]) == 100


def test_a_refusal_stops_everybody_for_as_long_as_the_service_asked():
    limit, _ = calls(Limit(), NOW, 1)
    limit = limit.refused(NOW + 1, NOW + 0.9, 3.0, "rest")
    assert limit.admitted(NOW + 3.99) == Wait(pytest.approx(0.01, abs=1e-6), "rest")
    assert isinstance(limit.admitted(NOW + 4.01), Limit)


def settled(rate: float) -> Limit:
    """A limit that has shown at ``rate`` twice, so that it is no first guess any more."""
    return Limit(rate=rate, rate_at=NOW, share=0.5)


def test_a_first_refusal_halves_what_was_seen_and_doubles_from_there_until_the_second():
    limit, _ = calls(Limit(), NOW, 10, step=0.1)  # ten a second
    limit = limit.refused(NOW + 10, NOW + 9.9, 0.0, "rest")
    assert limit.rate_now(NOW + 10) == pytest.approx(5, rel=0.1)
    assert limit.rate_now(NOW + 12.5) == pytest.approx(10, rel=0.1)
    limit = limit.refused(NOW + 12.5, NOW + 12.4, 3.0, "rest")
    assert limit.rate == pytest.approx(5, rel=0.1)
    assert not limit.searching


def test_twenty_a_second_are_back_within_ten_seconds_of_a_burst_that_was_refused():
    limit, _ = calls(Limit(), NOW, 0.3, step=0.0125)  # twenty-four at once
    limit = limit.refused(NOW + 0.3, NOW + 0.2, 3.0, "rest")
    assert limit.rate_now(NOW + 13.3) >= 0.9 * 20


def test_where_the_pause_is_long_or_much_is_refused_the_rate_is_half_and_back_after_ten_seconds():
    for limit, wait in ((replace(settled(10), share=0.0), 3.0), (settled(10), 0.0)):
        after = limit.refused(NOW, NOW, wait, "rest")
        assert after.rate == 5
        assert after.rate_now(NOW + wait + 9) >= 0.9 * 10
        assert after.rate_now(NOW + wait + 10) == pytest.approx(10)


def test_one_refusal_in_ten_whatever_the_rate_brings_nothing_to_a_crawl():
    limit, now, admitted = Limit(), NOW, 0
    while now < NOW + 300:
        after = limit.admitted(now)
        if isinstance(after, Wait):
            now += after.seconds + 1e-6
            continue
        limit, admitted, now = after, admitted + 1, now + 0.01
        if admitted % 10 == 0:
            limit = limit.refused(now, now - 0.005, 1.0, "rest")
    assert admitted / 300 > 2.5


def test_calls_under_way_when_the_rate_was_cut_do_not_cut_it_again():
    once = settled(10).refused(NOW + 5, NOW + 4.9, 2.0, "rest")
    again = once.refused(NOW + 5.1, NOW + 4.95, 2.0, "rest")
    assert again.rate == once.rate
    assert again.not_before == NOW + 7.1
    assert once.refused(NOW + 9, NOW + 8, 3.0, "rest").rate == pytest.approx(once.rate_now(NOW + 9) / 2)


def test_a_limit_that_shows_no_more_is_forgotten():
    limit = calls(Limit(), NOW, 5, step=0.1)[0].refused(NOW + 5, NOW + 4, 1.0, "rest")
    assert limit.rate_now(NOW + 6 + FORGET_S - 1) is not None
    assert limit.rate_now(NOW + 6 + FORGET_S + 1) is None


@given(
    st.lists(st.tuples(st.sampled_from(["call", "refuse"]), st.floats(0, 5), st.floats(0, 30)), min_size=1, max_size=60)
)
def test_whatever_happens_nobody_calls_before_the_time_that_was_named(steps):
    limit, now, closed = Limit(), NOW, NOW
    for what, passes, wait in steps:
        now += passes
        if what == "refuse":
            limit = limit.refused(now, now, wait, "rest")
            closed = max(closed, now + wait)
            assert limit.rate >= SLOWEST
        else:
            after = limit.admitted(now)
            assert isinstance(after, Wait) or now >= closed
            if isinstance(after, Wait):
                assert after.seconds > 0
                assert isinstance(limit.admitted(now + after.seconds + 1e-6), Limit)  # it is never told too little
            else:
                limit = after


def test_rows_are_what_the_arithmetic_says(table):
    assert admit(table, "g/one key-1", NOW) is None
    refuse(table, "g/one key-1", NOW + 1, NOW, 3.0, "rest")
    assert admit(table, "g/one key-1", NOW + 2) == Wait(2.0, "rest")
    assert admit(table, "g/one key-2", NOW + 2) is None
    rest(table, "g/one key-2", NOW + 2, 60.0, "used up")
    assert admit(table, "g/one key-2", NOW + 3) == Wait(59.0, "used up")
    assert admit(table, "g/one key-1", NOW + 4.1) is None


def test_a_dead_key_may_be_tried_again_after_a_while_and_lives_again_when_it_is_taken(table):
    mark(table, "g key-1", NOW, "AuthenticationFailed")
    assert read_dead(table, ["g key-1", "g key-2"], NOW + 1) == {"g key-1"}
    assert read_dead(table, ["g key-1"], NOW + REVIVE_S + 1) == set()
    mark(table, "g key-1", NOW + 2, None)
    assert read_dead(table, ["g key-1"], NOW + 3) == set()
