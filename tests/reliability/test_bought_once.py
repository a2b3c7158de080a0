"""Six processes that ask for the same at once buy it once; where the buyer dies, another takes over."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import imagegen_kit as ik
from imagegen_kit.engine.flight import LEASE_S
from tests.reliability.children import Child, attempts, ledger, same_place, until
from tests.reliability.services import Lab, OpenAI, variables

PROMPT = "the one picture that everybody wants"
MODELS = {"lab": "lab/one", "openai": "openai/gpt-image-2.5-flare"}


def ready(folder: Path, sim: Any, model: str, count: int = 6) -> list[Child]:
    """Return as many processes that are about to ask for the same."""
    made = [
        Child(folder, variables(sim), f"child-{n}", do="ask", prompts=[PROMPT], model=model, wait=True)
        for n in range(count)
    ]
    return [child.until("ready") for child in made]


def answers(children: list[Child]) -> list[dict[str, Any]]:
    return [child.well().events("answered")[0] for child in children]


@pytest.mark.parametrize("name", MODELS)
def test_six_processes_ask_at_once_and_the_service_charges_once(name: str, tmp_path: Path) -> None:
    sim: Any = Lab(latency=1.5, look="tiny") if name == "lab" else OpenAI(latency=1.5)
    with sim:
        six = ready(tmp_path, sim, MODELS[name])
        for child in six:
            child.go()
        told = answers(six)
    asked = [child.events("asking")[0]["at"] for child in six]
    assert max(asked) < max(call.answered for call in sim.calls), "they did not ask at once"
    assert (len(sim.submits), len(sim.ledger.accepted)) == (1, 1)
    assert len({answer["sha256"] for answer in told}) == 1
    assert Counter(answer["status"] for answer in told) == {"ok": 1, "cached": 5}
    assert set(ledger(tmp_path / "store")) == {"settled"}


@pytest.mark.alone
def test_where_the_buyer_is_killed_a_waiter_collects_its_job(tmp_path: Path) -> None:
    with Lab(latency=2.0, look="tiny") as sim:
        owner, *others = ready(tmp_path, sim, "lab/one")
        owner.go()
        until(lambda: any(call.kind == "poll" for call in sim.calls), "the job's first poll")
        for child in others:
            child.go()
        for child in others:
            child.until("waiting")
        owner.kill()
        killed = time.monotonic()
        told = answers(others)
    assert (len(sim.submits), len(sim.ledger.accepted)) == (1, 1)
    assert len({answer["sha256"] for answer in told}) == 1
    assert Counter(answer["status"] for answer in told) == {"ok": 1, "cached": 4}
    taken_over = min(call.at for call in sim.calls if call.at > killed)
    assert taken_over - killed < LEASE_S + 1
    assert [state for state, _ in attempts(tmp_path / "store")[PROMPT]] == ["stored"]
    assert set(ledger(tmp_path / "store")) == {"settled"}


def test_where_nobody_knows_what_the_killed_buyer_bought_no_waiter_buys_it_again(tmp_path: Path) -> None:
    with OpenAI(latency=60) as sim:
        owner, *others = ready(tmp_path, sim, MODELS["openai"], count=4)
        owner.go()
        until(lambda: len(sim.ledger.accepted) == 1, "the accepted call")
        for child in others:
            child.go()
        for child in others:
            child.until("waiting")
        owner.kill()
        told = [child.well().events("failed")[0] for child in others]
        assert (len(sim.submits), len(sim.ledger.accepted)) == (1, 1)
        money = ledger(tmp_path / "store")
        assert set(money) == {"unknown"}
        assert money["unknown"] > 0
        sim.latency = 0.0
        with same_place(tmp_path / "store", variables(sim)):
            anew = ik.generate(PROMPT, model=MODELS["openai"]).results[0]
    assert {answer["error"] for answer in told} == {"OutcomeUnknown"}
    assert all("retry_failed" in answer["words"] for answer in told)
    assert anew.status == "ok", "who asks anew gets a new one"
    assert len(sim.ledger.accepted) == 2
