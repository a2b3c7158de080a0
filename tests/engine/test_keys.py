"""Several keys of one service take turns; one that is refused, or rests, makes room for the others."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import AuthenticationFailed, BudgetExceeded, OutcomeUnknown, QuotaExhausted, RateLimited
from tests.engine.models import EVERYTHING, Watch, job, ledger, model, one, rows, until

KEYS = {"LAB_KEY": ["first", "second", "third"]}


def sweep(n: int, **policy: object) -> ik.experiments.run.Run:
    return ik.Experiment(
        vary={"prompt": [f"prompt {i}" for i in range(n)]}, fixed={"model": "lab/one"}, policy=ik.Policy(**policy)
    ).run(progress=False)


def test_keys_take_turns_and_each_is_named_by_a_fingerprint_that_tells_nothing():
    script = model(price=0.1, key_env=("LAB_KEY",), seconds=0.01)
    ik.configure(keys=KEYS)
    sweep(30, concurrency=2)
    used = Counter(script.keys)
    assert set(used) == {"first", "second", "third"}
    assert min(used.values()) >= 6
    ids = {id for (id,) in rows("SELECT DISTINCT key_id FROM attempts")}
    assert len(ids) == 3
    assert all(id.startswith("key-") and len(id) == 12 for id in ids)
    by_key = ik.usage(by="key")
    assert by_key.calls.sum() == 30
    assert set(by_key.index) == ids
    assert by_key.spent_usd.sum() == pytest.approx(3.0)


def test_numbered_variables_are_further_keys(monkeypatch):
    script = model(key_env=("LAB_KEY",))
    for name, key in (("LAB_KEY", "a"), ("LAB_KEY_2", "b"), ("LAB_KEY_3", "a"), ("LAB_KEY_5", "left out")):
        monkeypatch.setenv(name, key)
    sweep(12)
    assert set(script.keys) == {"a", "b"}


@pytest.mark.parametrize("error", [AuthenticationFailed, QuotaExhausted], ids=lambda e: e.__name__)
def test_a_dead_key_costs_few_calls_and_no_picture(error):
    script = model(price=0.1, key_env=("LAB_KEY",), seconds=0.01)
    script.refused = {"second": error("no")}
    ik.configure(keys=KEYS)
    run = sweep(60, concurrency=8, attempts=1)
    assert run.table().status.tolist() == ["ok"] * 60
    assert script.keys.count("second") == 1
    again = sweep(61, concurrency=8, attempts=1)
    assert again.table().status.isin(["ok", "cached"]).all()
    assert script.keys.count("second") == 1


def test_another_process_learns_of_a_dead_key_from_the_journal():
    script = model(price=0.1, key_env=("LAB_KEY",), seconds=0.01)
    script.refused = {"second": AuthenticationFailed("no")}
    ik.configure(keys=KEYS)
    sweep(20)
    ik.engine.session.close_default_engine()  # the next engine knows only what the journal tells
    sweep(40)
    assert script.keys.count("second") == 1


def test_when_every_key_is_refused_the_last_refusal_is_told():
    script = model(price=0.1, key_env=("LAB_KEY",))
    script.refused = {key: AuthenticationFailed(f"not {key}") for key in KEYS["LAB_KEY"]}
    ik.configure(keys=KEYS)
    result = one()
    assert result.error_type == "AuthenticationFailed"
    assert len(script.keys) == 3
    assert len(result.attempts) == 3
    assert result.cost.usd == 0.0


def test_one_dead_key_alone_is_asked_again_every_time():
    script = model(price=0.1, key_env=("LAB_KEY",))
    script.refused = {"only": AuthenticationFailed("no")}
    ik.configure(keys={"LAB_KEY": "only"})
    assert one().status == one().status == "failed"
    assert len(script.keys) == 2
    script.refused = {}
    assert one().status == "ok"


def test_a_key_that_rests_leaves_its_turn_to_the_others():
    script = model("lab/one", None, None, None, RateLimited("slow down", retry_after=30.0), price=0.1,
                   key_env=("LAB_KEY",), seconds=0.01)  # fmt: skip
    ik.configure(keys=KEYS)
    assert sweep(3, concurrency=1).table().status.eq("ok").all()
    run = sweep(12, concurrency=1)
    assert run.table().status.isin(["ok", "cached"]).all()
    assert script.calls == 13
    ((resting,),) = rows("SELECT name FROM limits WHERE not_before > 0")
    assert resting.startswith("lab/one key-")


def test_the_budget_of_a_key_is_its_own():
    script = model(price=0.4, key_env=("LAB_KEY",), seconds=0.01)
    ik.configure(keys={"LAB_KEY": ["first", "second"]}, budget_usd_per_account=1.0)
    run = sweep(6, concurrency=1)
    assert Counter(script.keys) == {"first": 2, "second": 2}
    table = run.table()
    assert table.status.tolist().count("ok") == 4
    assert table.error.dropna().str.contains("this account's budget of \\$1.00").all()
    with pytest.raises(BudgetExceeded):
        ik.generate("one more", model="lab/one")


def test_a_job_is_collected_with_the_key_that_asked_for_it():
    script = model(
        "lab/one", job("j", then=OutcomeUnknown("lost")), price=0.1, resumable=True, key_env=("LAB_KEY",),
    )  # fmt: skip
    ik.configure(keys=KEYS)
    assert one().status == "ok"
    assert (len(script.keys), script.collects) == (1, ["j"])
    assert ledger() == [("settled", 0.1, 0.1)]


def test_a_call_that_the_service_ignores_the_second_time_is_sent_again_with_the_same_key():
    script = model(
        "lab/one", OutcomeUnknown("cut off"), OutcomeUnknown("cut off"), price=0.1,
        can=replace(EVERYTHING, idempotent=True),
    )  # fmt: skip
    result = one(policy=ik.Policy(clock=Watch()))
    assert result.status == "ok"
    assert script.calls == 3
    assert len(set(script.idempotency_keys)) == 1
    assert ledger() == [("settled", 0.1, 0.1)]
    assert rows("SELECT state FROM attempts") == [("stored",)]
    one("another")
    assert len(set(script.idempotency_keys)) == 2


def test_without_that_promise_it_is_unknown_after_one_call():
    script = model("lab/one", OutcomeUnknown("cut off"), price=0.1)
    assert one().status == "unknown"
    assert script.calls == 1
    assert ledger() == [("unknown", 0.1, None)]


def test_when_all_keys_have_died_they_are_asked_all_the_same():
    script = model(price=0.1, key_env=("LAB_KEY",))
    script.refused = {key: AuthenticationFailed(f"not {key}") for key in KEYS["LAB_KEY"]}
    ik.configure(keys=KEYS)
    assert one().status == "failed"
    script.refused = {}  # the account was topped up
    assert one().status == "ok"


@pytest.mark.alone
def test_a_wait_is_told_and_stops_at_once():
    model("lab/one", RateLimited("slow down", retry_after=60.0), price=0.1, key_env=("LAB_KEY",))
    ik.configure(keys={"LAB_KEY": "only"})
    run = ik.Experiment(
        vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}, policy=ik.Policy(concurrency=1)
    ).start()
    until(lambda: "lab/one waits" in run._execution.waiting)
    told = run._execution.waiting  # whichever cell said it last: the one that failed, or the one after it
    assert "(the service asked to wait)" in told or "(attempt 1 of 3 failed: RateLimited)" in told
    started = time.monotonic()
    run.stop()
    ik.engine.session.close_default_engine()
    assert time.monotonic() - started < 1.0
    assert {state for (state,) in rows("SELECT state FROM attempts")} == {"failed"}
    assert all(state == "released" for state, _, _ in ledger())
