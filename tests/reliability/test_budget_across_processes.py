"""A budget holds across threads, processes and kernels; the service's own ledger is the judge."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import BudgetExceeded, ImagegenError
from tests.reliability.children import Child, ledger, rows, same_place, until
from tests.reliability.services import PRICE, Lab, variables

CENT = 1e-9
FAILURES = ("job_failed", "error_500", "drop")  # not charged; not charged, but who knows; charged, and who knows


def spend(folder: Path, processes: int, kills: int, **budgets: str) -> Lab:
    """Let ``processes`` try 20 times each, 30 % in vain, and kill some of them; return the service."""
    chance = random.Random(processes)
    with Lab(latency=0.05, polls=0, look="tiny") as sim:
        sim.play(*(chance.choice(FAILURES) if chance.random() < 0.3 else "ok" for _ in range(processes * 20)))
        environment = {**variables(sim), **budgets}
        made = [
            Child(
                folder, environment, f"child-{n}", do="ask", model="lab/one", threads=1 + n % 3, wait=True,
                prompts=[f"try {i} of process {n}" for i in range(20)],
            )
            for n in range(processes)
        ]  # fmt: skip
        for child in made:
            child.until("ready")
        for child in made:
            child.go()
        for n in range(kills):
            until(lambda n=n: len(sim.submits) >= 3 + 3 * n, "submits before a kill")  # type: ignore[misc]
            made[n].kill()
        for child in made[kills:]:
            child.well()
            ends = Counter(event.get("error", "answered") for event in child.events() if event["event"] != "asking")
            assert len(child.events("answered")) + len(child.events("failed")) == 20
            assert ends["BudgetExceeded"] > 0, f"{child.name} never met the budget: {ends}"
    return sim


@pytest.mark.alone
@pytest.mark.parametrize(
    ("processes", "kills"), [(4, 1), pytest.param(8, 2, marks=pytest.mark.soak)], ids=["4 processes", "8 processes"]
)
@pytest.mark.parametrize("limit", ["IMAGEGEN_BUDGET_USD_PER_DAY", "IMAGEGEN_BUDGET_USD_PER_ACCOUNT"])
def test_many_processes_never_spend_more_than_the_budget(
    limit: str, processes: int, kills: int, tmp_path: Path
) -> None:
    sim = spend(tmp_path, processes, kills, **{limit: "1.00"})
    money = ledger(tmp_path / "store")
    held = sum(usd for state, usd in money.items() if state != "released")
    assert sim.charged_usd <= 1.00 + CENT
    assert held <= 1.00 + CENT
    assert held > 1.00 - PRICE, f"the budget was not used up, so that nothing was put to the test: {money}"
    assert sim.charged_usd <= held + CENT, "the service charges for something that the journal does not hold"
    unknown = rows(tmp_path / "store", "SELECT COUNT(*) FROM attempts WHERE state = 'unknown'")[0][0]
    assert unknown > 0
    assert money["unknown"] == pytest.approx(unknown * PRICE), "what may be paid keeps its reservation"


def test_each_key_has_a_budget_of_its_own(tmp_path: Path) -> None:
    with Lab(latency=0.02, polls=0, look="tiny") as sim:
        sim.keys = ("first-key", "second-key")
        environment = {
            **variables(sim), "LAB_KEY": "first-key", "LAB_KEY_2": "second-key",
            "IMAGEGEN_BUDGET_USD_PER_ACCOUNT": "0.40",
        }  # fmt: skip
        three = [
            Child(
                tmp_path, environment, f"child-{n}", do="ask", model="lab/one", threads=3,
                prompts=[f"try {i} of process {n}" for i in range(10)],
            )
            for n in range(3)
        ]  # fmt: skip
        for child in three:
            child.well()
    by_key = Counter(call.key for call in sim.submits)
    assert by_key == {"first-key": 10, "second-key": 10}, "each may spend $0.40, ten pictures"
    assert sum(len(child.events("failed")) for child in three) == 10
    spent = rows(tmp_path / "store", "SELECT key_id, SUM(spent_usd) FROM ledger GROUP BY 1")
    assert sorted(usd for _, usd in spent) == [pytest.approx(0.40)] * 2
    assert all(key.startswith("key-") for key, _ in spent)


def test_many_threads_never_spend_more_than_the_session_may(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", variables(sim)):
        ik.configure(budget_usd=0.40)

        def work(n: int) -> None:
            for i in range(4):
                try:
                    ik.generate(f"try {i} of thread {n}", model="lab/one")
                    outcomes["ok"] += 1
                except BudgetExceeded:
                    outcomes["refused"] += 1
                except ImagegenError as error:
                    outcomes[type(error).__name__] += 1

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == {"ok": 10, "refused": 22}
    assert sim.charged_usd == pytest.approx(0.40)


def test_a_run_stops_at_its_budget_and_a_resume_does_not_begin_a_new_one(tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", variables(sim)):
        exp = ik.Experiment(
            vary={"prompt": [f"cell {n}" for n in range(12)]}, fixed={"model": "lab/one"}, budget_usd=0.20
        )
        first = exp.run(progress=False).table()
        second = exp.run(progress=False).retry_failed().table()
    assert Counter(first["status"]) == {"ok": 5, "failed": 7}
    assert first["error"].dropna().str.contains("this run's budget").all()
    assert Counter(second["status"]) == {"ok": 5, "failed": 7}
    assert sim.charged_usd == pytest.approx(0.20)


def test_under_a_budget_an_unknown_price_is_refused_unless_one_is_assumed(tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", variables(sim)):
        ik.configure(budget_usd=0.10)
        with pytest.raises(BudgetExceeded, match="no price is known"):
            ik.generate("a cup", model="lab/unpriced")
        assert sim.calls == []
        assumed = ik.Policy(assume_usd=0.04)
        bought = [ik.generate(f"cup {n}", model="lab/unpriced", policy=assumed).results[0] for n in range(2)]
        with pytest.raises(BudgetExceeded, match="Nothing was sent"):
            ik.generate("cup 3", model="lab/unpriced", policy=assumed)
    assert [(r.cost.usd, r.cost.basis) for r in bought] == [(0.04, "assumed")] * 2
    assert len(sim.submits) == 2
