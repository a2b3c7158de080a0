"""The policy: what it refuses, how it waits, and how it is written down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.engine.execute import read_policy
from imagegen_kit.engine.policy import (
    DEFAULT,
    Policy,
    SimulatedClock,
    SystemClock,
    day_of,
    timestamp,
)
from imagegen_kit.errors import InvalidInput
from imagegen_kit.store.waiting import BACKOFF_CAP_S, backoff


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"attempts": 2.5}, {"timeout_s": 0}, {"concurrency": 0}, {"clock": "sundial"}, {"assume_usd": -1},
     {"assume_usd": {"a/b": -1}}, {"assume_usd": "x"}, {"assume_usd": True}, {"assume_usd": {"a/b": "0.1"}},
     {"assume_usd": float("nan")}, {"timeout_s": "5"}, {"checks": ["no such check"]}],
    ids=str,
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Policy(**wrong)


def test_all_faults_are_told_together():
    with pytest.raises(InvalidInput) as caught:
        Policy(attempts=0, timeout_s=-1, concurrency=0)
    assert [f.where for f in caught.value.faults] == ["attempts", "timeout_s", "concurrency"]


@given(st.integers(1, 20), st.floats(0, 1))
def test_waits_stay_within_a_span_that_doubles_up_to_a_cap(attempt, jitter):
    assert 0 <= backoff(attempt, None, jitter) <= min(BACKOFF_CAP_S, 2 ** (attempt - 1))


@given(st.floats(-100, 1000), st.floats(0, 1))
def test_what_the_service_asked_for_wins(seconds, jitter):
    assert backoff(1, seconds, jitter) == max(0.0, seconds)


@pytest.mark.parametrize(
    "policy",
    [DEFAULT, Policy(attempts=5, fallback=["a", "b"], cache=False), Policy(clock="simulated", assume_usd={"a/b": 0.1}),
     Policy(checks={"format": ["png"]}, placeholder=True, timeout_s=3.5)],
    ids=str,
)  # fmt: skip
def test_a_policy_that_is_written_down_reads_back_the_same(policy):
    again = read_policy(policy.to_plain())
    assert again == policy
    assert type(again.clock) is type(policy.clock)


def test_the_default_policy_has_nothing_to_write_down_and_a_short_repr():
    assert DEFAULT.to_plain() == {}
    assert repr(Policy(attempts=2)) == "Policy(attempts=2)"


def test_with_changes_a_copy():
    assert DEFAULT.with_(attempts=1).attempts == 1
    assert DEFAULT.attempts == 3


def test_prices_are_assumed_for_all_models_or_by_name():
    assert Policy(assume_usd=0.2).assumed_price("a/b") == 0.2
    assert Policy(assume_usd={"a/b": 0.3}).assumed_price("c/d") is None


def test_each_task_of_a_simulated_clock_has_hands_of_its_own():
    clock = SimulatedClock()

    async def wait(seconds):
        await clock.sleep(seconds)
        await clock.pace(1)
        return clock.monotonic()

    async def main():
        return await asyncio.gather(wait(5), wait(7))

    assert asyncio.run(main()) == [6.0, 8.0]
    assert clock.now() == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert clock.jitter() == 0.5


def test_the_system_clock_really_passes():
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.01))
    asyncio.run(clock.pace(100))
    assert 0.01 <= clock.monotonic() - before < 5
    assert 0 <= clock.jitter() <= 1
    assert clock.now().tzinfo is UTC


def test_days_and_timestamps_are_utc():
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    assert day_of(moment) == "2026-02-28"
    assert timestamp(moment) == "2026-02-28T20:30:00.000+00:00"


@pytest.mark.parametrize("given", [{"cache": "no"}, {"placeholder": 5}, {"fallback": 5}], ids=str)
def test_values_that_only_look_like_an_answer_are_refused(given):
    with pytest.raises(InvalidInput, match=next(iter(given))):
        Policy(**given)
