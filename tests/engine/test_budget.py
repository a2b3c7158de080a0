"""Money is reserved before a call and settled after it, so that no budget is passed."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imagegen_kit as ik
from imagegen_kit.engine.budget import Entry, enter, settle
from imagegen_kit.errors import BudgetExceeded, ProviderError, StoreError
from tests.engine.models import Watch, ledger, model, one, rows


def fifty(budget=None, policy=None, **fixed):
    exp = ik.Experiment(
        vary={"prompt": [f"cup {i}" for i in range(50)]}, fixed={"model": "lab/one", **fixed}, budget_usd=budget,
        policy=policy,
    )  # fmt: skip
    return exp.run(progress=False)


WIDE = ik.Policy(concurrency=50)


def test_a_runs_budget_is_never_passed_with_fifty_calls_at_once():
    script = model(price=0.1, seconds=0.01)
    run = fifty(1.0, WIDE)
    assert script.calls == 10
    table = run.table()
    assert table.status.value_counts().to_dict() == {"failed": 40, "ok": 10}
    assert table.cost_usd.sum() == pytest.approx(1.0)
    assert table[table.status == "failed"].cost_usd.eq(0).all()
    assert "this run's budget of $1.00" in table[table.status == "failed"].error.iloc[0]
    assert len(run) == 50


def test_a_sessions_budget_holds_over_several_runs():
    script = model(price=0.1)
    ik.configure(budget_usd=0.35)
    fifty(policy=WIDE)
    with pytest.raises(BudgetExceeded, match="this session's budget"):
        ik.generate("one more", model="lab/one")
    assert script.calls == 3


def test_a_days_budget_begins_anew_the_next_day():
    script = model(price=0.1)
    ik.configure(budget_usd_per_day=0.25)
    monday, tuesday = (ik.Policy(clock=Watch(datetime(2026, 3, d, 23, tzinfo=UTC))) for d in (2, 3))
    answers = [one(prompt=f"p{i}", policy=p).status for i, p in enumerate([monday] * 4 + [tuesday] * 3)]
    assert answers == ["ok", "ok", "failed", "failed", "ok", "ok", "failed"]
    assert script.calls == 4


def test_a_budget_refuses_a_model_of_unknown_price_unless_a_price_is_assumed():
    script = model(price=None)
    ik.configure(budget_usd=1)
    with pytest.raises(BudgetExceeded, match="no price is known for lab/one"):
        ik.generate("a", model="lab/one")
    assert script.calls == 0
    result = one(policy=ik.Policy(assume_usd={"lab/one": 0.4}))
    assert (result.cost.usd, result.cost.basis) == (0.4, "assumed")
    assert one(prompt="b", policy=ik.Policy(assume_usd=0.4)).status == "ok"
    assert one(prompt="c", policy=ik.Policy(assume_usd=0.4)).error_type == "BudgetExceeded"


def test_free_models_go_on_when_the_money_is_spent():
    model(price=1.0)
    model("free/one", price=0.0)
    ik.configure(budget_usd=0.5)
    assert one().error_type == "BudgetExceeded"
    assert one(model="free/one").status == "ok"


def test_cached_pictures_need_no_budget():
    model(price=1.0)
    one()
    ik.configure(budget_usd=0.5)
    assert one().status == "cached"


def test_the_reservation_of_a_call_that_failed_unpaid_is_given_back():
    model("lab/one", ProviderError("no", paid=False), price=0.6)
    ik.configure(budget_usd=1.0)
    assert one().status == "failed"
    assert one().status == "ok"
    assert ledger() == [("released", 0.6, None), ("settled", 0.6, 0.6)]


def test_what_may_have_been_paid_stays_reserved():
    model("lab/one", ProviderError("lost", paid=None), price=0.6)
    ik.configure(budget_usd=1.0)
    assert one().status == "unknown"
    assert one().error_type == "BudgetExceeded"


def test_a_refusal_is_a_row_without_an_attempt():
    model(price=1.0)
    ik.configure(budget_usd=0.5)
    one()
    assert rows("SELECT status, error_type, attempts, cost_usd FROM results") == [("failed", "BudgetExceeded", 0, 0.0)]
    assert rows("SELECT COUNT(*) FROM attempts") == [(0,)]
    assert rows("SELECT COUNT(*) FROM requests") == [(1,)]


def test_a_budget_that_is_refused_is_not_spent_on_a_fallback():
    model(price=1.0)
    second = model("other/two", price=0.0)
    ik.configure(budget_usd=0.5)
    assert one(policy=ik.Policy(fallback="other/two")).error_type == "BudgetExceeded"
    assert second.calls == 0


def test_a_run_that_was_refused_goes_on_with_more_money():
    model(price=0.4)
    exp = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "lab/one"}, budget_usd=0.5)
    assert sorted(exp.run(progress=False).table().status) == ["failed", "ok"]
    richer = exp.with_(budget_usd=1.0)
    run = richer.run(progress=False)
    assert sorted(run.retry_failed().table().status) == ["ok", "ok"]


@pytest.mark.parametrize("budget", [-1, float("nan")])
def test_a_budget_is_an_amount(budget):
    with pytest.raises(ik.errors.InvalidInput, match="budget_usd"):
        ik.Experiment(vary={"prompt": ["a"]}, budget_usd=budget)


def test_usage_adds_up_what_the_ledger_holds():
    model("lab/one", ProviderError("lost", paid=None), price=0.5)
    model("free/one", price=None)
    one()
    one(prompt="b")
    one(model="free/one")
    used = ik.usage()
    assert used.loc["lab/one", ["calls", "stored", "unknown", "spent_usd", "reserved_usd"]].tolist() == [
        2,
        1,
        1,
        0.5,
        0.5,
    ]
    assert used.loc["free/one", "unknown_costs"] == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["settled", "released", "unknown"]),
            st.sampled_from([0.04, 0.1, 1.3, None]),
            st.booleans(),
        ),
        max_size=60,
    )
)
@settings(max_examples=50)
def test_what_budgets_are_held_against_is_the_sum_of_the_ledger(steps):
    connection = sqlite3.connect(":memory:")
    connection.executescript(files("imagegen_kit.store").joinpath("schema.sql").read_text())
    for attempt in range(10):
        account = "simulated" if attempt % 3 == 0 else "default"
        key = None if attempt % 4 == 0 else f"key-{attempt % 2}"
        enter(connection, Entry(attempt, attempt % 2, f"s{attempt % 3}", account, "lab/one", "day", 0.5, key), ())
    for attempt, state, usd, moves in steps:
        with contextlib.suppress(StoreError):  # a move that no rule allows changes nothing
            settle(connection, attempt, state, usd if state == "settled" else None)
        if moves:  # another session takes the job over
            connection.execute("UPDATE ledger SET session = 's9' WHERE attempt = ?", (attempt,))
    held = "SUM(CASE state WHEN 'released' THEN 0 WHEN 'settled' THEN COALESCE(spent_usd, 0) ELSE reserved_usd END)"
    for scope in ("'run ' || run", "'session ' || session", "'day ' || day", "COALESCE(key_id, 'no key of lab')"):
        sums = dict(
            ((name, simulated), usd)
            for name, simulated, usd in connection.execute(
                f"SELECT {scope}, account = 'simulated', {held} FROM ledger GROUP BY 1, 2"
            )
        )
        kept = {
            (name, simulated): usd
            for name, simulated, usd in connection.execute("SELECT * FROM spending")
            if (name, simulated) in sums
        }
        assert kept == pytest.approx(sums)
    connection.close()
