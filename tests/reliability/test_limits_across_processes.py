"""What a service asks of one key, all processes that use the key obey; a dead key costs calls, never pictures."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

import imagegen_kit as ik
from imagegen_kit.types import Waiting
from tests.reliability.children import Child, Lateness, attempts, rows, same_place, until
from tests.reliability.services import (
    Call,
    Dropped,
    Gemini,
    GoOn,
    Lab,
    OpenAI,
    too_many,
    too_many_for_google,
    variables,
)

UNDER_WAY_S = 0.3  # calls that had left before the refusal was heard of
SERVICES: dict[str, tuple[Any, str]] = {
    "openai": (OpenAI, "openai/gpt-image-2.5-flare"),
    "gemini": (Gemini, "gemini/gemini-3.1-flash-image"),
}


@dataclass
class Rate:
    """A door that takes ``a_second`` calls, and for ``rest_s`` none any more once somebody has come too often.

    ``first`` is the number of the call with which the first rest begins, whatever the rate is.
    """

    sim: Any
    rest_s: float
    first: int
    a_second: float = 0.0
    until: float = 0.0
    refused: list[Call] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)

    async def __call__(self, call: Call, go_on: GoOn) -> Any:
        """Refuse or take a call."""
        if call.at < self.until or len(self.sim.submits) == self.first or not self._has_room(call.at):
            if not self.refused or call.at >= self.until:
                self.until = time.monotonic() + self.rest_s
            self.refused.append(call)
            return too_many_for_google(self.rest_s) if isinstance(self.sim, Gemini) else too_many(self.rest_s)
        self.taken.append(call.at)
        return await go_on()

    def _has_room(self, at: float) -> bool:
        return not self.a_second or sum(at - 1 < one for one in self.taken) < self.a_second


def three_processes(folder: Path, sim: Any, model: str, items: int, policy: dict[str, Any], **more: str) -> list[Child]:
    """Let three processes of eight workers each ask for ``items`` pictures, and wait for their end."""
    return [child.well() for child in start_three(folder, sim, model, items, policy, **more)]


def start_three(folder: Path, sim: Any, model: str, items: int, policy: dict[str, Any], **more: str) -> list[Child]:
    """Start them, all at once."""
    made = [
        Child(
            folder, {**variables(sim), **more}, f"child-{n}", do="ask", model=model, threads=8, wait=True,
            prompts=[f"item {i} of process {n}" for i in range(items)], policy=policy, warm=f"warm {n}",
        )
        for n in range(3)
    ]  # fmt: skip
    for child in made:
        child.until("ready")
    for child in made:
        child.go()
    return made


def hold_back(name: str, rest_s: float, items: int, folder: Path) -> None:
    """After a refusal nobody calls with that key for as long as the service asked, and nothing is lost."""
    make, model = SERVICES[name]
    with make(latency=0.1) as sim, Lateness() as late:
        door = sim.door = Rate(sim, rest_s, first=15)
        made = three_processes(folder, sim, model, items, {"attempts": 3})
    assert door.refused, "nobody was refused"
    under_way_s = UNDER_WAY_S + 3 * late.seconds  # they are processes that take turns with others
    for refused in door.refused:
        assert refused.answered is not None
        early = [
            round(call.at - refused.answered, 3)
            for call in sim.submits
            if under_way_s < call.at - refused.answered < rest_s - 0.05
        ]
        assert not early, (
            f"called within the {rest_s} s for which the service asked not to be: {early}, late {late.seconds}"
        )
    assert sum(len(child.events("answered")) for child in made) == 3 * items
    tries = Counter(call.prompt for call in sim.submits)
    assert max(tries.values()) <= 3, "more calls than attempts"
    assert len(sim.ledger.accepted) == 3 * items + 3


@pytest.mark.alone
@pytest.mark.parametrize("name", SERVICES)
def test_three_processes_obey_what_a_service_asks_of_their_key(name: str, tmp_path: Path) -> None:
    hold_back(name, 2.0, 16, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", SERVICES)
def test_three_processes_obey_a_longer_rest_with_more_work_waiting(name: str, tmp_path: Path) -> None:
    hold_back(name, 3.0, 80, tmp_path)


@pytest.mark.soak
def test_ten_seconds_after_a_rest_the_full_rate_is_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    allowed = 20.0
    with OpenAI(latency=0.1) as sim:
        door = sim.door = Rate(sim, 3.0, first=20, a_second=allowed)
        made = start_three(tmp_path, sim, "openai/gpt-image-2.5-flare", 600, {"attempts": 10})
        until(lambda: bool(door.refused), "the first refusal")
        begins = door.until
        until(lambda: time.monotonic() > begins + 20, "twenty seconds after the rest")
        for child in made:
            child.kill()
    within = [at for at in door.taken if begins <= at <= begins + 10]
    # A second long, as the service counts: with a longer look the pause that the next refusal brings counts as well.
    best = max((sum(at <= one < at + 1 for one in within) for at in within), default=0)
    mean = sum(begins + 10 < at <= begins + 20 for at in door.taken) / 10
    with capsys.disabled():
        print(f"\n{allowed:g}/s allowed: {best:g}/s at best in the first ten seconds, {mean:g}/s in the next ten")
    assert best >= 0.9 * allowed


def three_keys(sim: Any) -> dict[str, str]:
    """Return the variables of three keys that ``sim`` takes."""
    sim.keys = ("lab-secret-a", "lab-secret-b", "lab-secret-c")
    name = next(n for n in variables(sim) if n.endswith("KEY"))
    return {**variables(sim), name: "lab-secret-a", f"{name}_2": "lab-secret-b", f"{name}_3": "lab-secret-c"}


def with_one_dead_key(sim: Any, status: int) -> dict[str, str]:
    async def door(call: Call, go_on: GoOn) -> Any:
        if call.key == "lab-secret-a":
            return JSONResponse({"error": {"message": "this key is no longer valid", "code": "dead"}}, status)
        return await go_on()

    sim.door = door
    return three_keys(sim)


@pytest.mark.alone
@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_dead_key_of_three_costs_three_calls_and_no_item(status: int, tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", with_one_dead_key(sim, status)):
        run = ik.Experiment(
            vary={"prompt": [f"item {n}" for n in range(60)]}, fixed={"model": "lab/one"}, policy=ik.Policy(attempts=1)
        ).run(progress=False)
        used = ik.usage(by="key")
        assert run.table().status.tolist() == ["ok"] * 60
    by_key = Counter(call.key for call in sim.submits)
    assert 1 <= by_key["lab-secret-a"] <= 3
    assert by_key["lab-secret-b"] + by_key["lab-secret-c"] == 60
    assert min(by_key["lab-secret-b"], by_key["lab-secret-c"]) >= 15, f"the other two did not take turns: {by_key}"
    assert sorted(used.calls.tolist(), reverse=True)[:2] == sorted(
        (by_key["lab-secret-b"], by_key["lab-secret-c"]), reverse=True
    )
    assert all(name.startswith("key-") and len(name) == 12 for name in used.index)
    assert b"lab-secret-a" not in (tmp_path / "store" / "journal.sqlite").read_bytes()


@pytest.mark.soak
def test_a_dead_key_costs_three_calls_in_all_processes_together(tmp_path: Path) -> None:
    with Lab(polls=0, latency=0.05, look="tiny") as sim:
        environment = with_one_dead_key(sim, 401)
        made = three_processes(tmp_path, sim, "lab/one", 100, {"attempts": 1}, **environment)
    by_key = Counter(call.key for call in sim.submits)
    assert 1 <= by_key["lab-secret-a"] <= 3
    assert sum(len(child.events("answered")) for child in made) == 300
    assert len(sim.ledger.accepted) == 303


def test_the_last_dead_key_is_told_as_what_it_is(tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", three_keys(sim)):

        async def door(call: Call, go_on: GoOn) -> Any:
            return JSONResponse({"error": "this key is no longer valid"}, 401)

        sim.door = door
        run = ik.Experiment(vary={"prompt": [f"item {n}" for n in range(20)]}, fixed={"model": "lab/one"}).run(
            progress=False
        )
        table = run.table()
    assert table.status.tolist() == ["failed"] * 20
    assert table.error.str.contains("401").all()
    assert set(table.cost_usd) == {0.0}


def test_an_item_whose_outcome_is_unknown_never_goes_to_a_second_key(tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", three_keys(sim)):

        async def door(call: Call, go_on: GoOn) -> Any:
            response = await go_on()
            return Dropped() if call.kind == "submit" else response

        sim.door = door
        run = ik.Experiment(vary={"prompt": [f"item {n}" for n in range(12)]}, fixed={"model": "lab/one"}).run(
            progress=False
        )
        assert run.table().status.tolist() == ["unknown"] * 12
        run.resume()
    assert Counter(call.prompt for call in sim.submits) == {f"item {n}": 1 for n in range(12)}
    assert set(sim.accepted_by_prompt.values()) == {1}


@pytest.mark.alone
def test_a_key_that_has_to_rest_lets_the_others_go_on(tmp_path: Path) -> None:
    with Lab(polls=0, look="tiny") as sim, same_place(tmp_path / "store", three_keys(sim)):

        async def door(call: Call, go_on: GoOn) -> Any:
            rests = call.kind == "submit" and call.key == "lab-secret-b" and len(sim.submits) > 12
            return too_many(60) if rests else await go_on()

        sim.door = door
        began = time.monotonic()
        run = ik.Experiment(vary={"prompt": [f"item {n}" for n in range(60)]}, fixed={"model": "lab/one"}).run(
            progress=False
        )
        assert run.table().status.tolist() == ["ok"] * 60
    assert time.monotonic() - began < 20
    refused = [call for call in sim.submits if call.status == 429]
    assert len(refused) >= 1
    late = [call for call in sim.submits if call.key == "lab-secret-b" and call.at > refused[0].answered + UNDER_WAY_S]
    assert late == []


# ---------------------------------------------------------------------- waits are told, and end when nobody waits
def resting(sim: Any) -> dict[str, str]:
    """Let ``sim`` ask everybody to wait for half a minute."""

    async def door(call: Call, go_on: GoOn) -> Any:
        return too_many(30)

    sim.door = door
    return variables(sim)


@pytest.mark.alone
def test_a_wait_is_told_in_the_run_and_a_stop_ends_it_within_a_second(tmp_path: Path) -> None:
    with OpenAI() as sim, same_place(tmp_path / "store", resting(sim)):
        run = ik.Experiment(
            vary={"prompt": [f"item {n}" for n in range(20)]}, fixed={"model": "openai/gpt-image-2.5-flare"}
        ).start()
        execution = run._execution
        until(lambda: bool(execution.waiting), "the wait is told", 15)
        words = execution.waiting
        began = time.monotonic()
        run.stop()
        until(lambda: not run.running, "the run has stopped", 5)
        assert time.monotonic() - began < 1.0
        sent = len(sim.submits)  # what was under way when the first wait was told has come by now
        assert "openai/gpt-image-2.5-flare waits" in words
        began = time.monotonic()
    assert time.monotonic() - began < 1.5, "closing the engine waited for the service"
    assert len(sim.submits) == sent
    assert "submitting" not in {state for tries in attempts(tmp_path / "store").values() for state, _ in tries}
    assert rows(tmp_path / "store", "SELECT COUNT(*) FROM ledger WHERE state != 'released'") == [(0,)]


@pytest.mark.alone
def test_a_wait_is_an_event_of_the_stream_and_leaving_it_ends_the_wait(tmp_path: Path) -> None:
    with OpenAI() as sim, same_place(tmp_path / "store", resting(sim)):
        events = ik.stream(ik.recipes.image, prompt="a cup", model="openai/gpt-image-2.5-flare")
        told = next(event for event in events if isinstance(event, Waiting))
        began = time.monotonic()
        events.close()
        ik.engine.session.close_default_engine()
        assert time.monotonic() - began < 1.0
    assert 25 < told.seconds <= 30
    assert "openai/gpt-image-2.5-flare waits" in told.text
    assert len(sim.submits) == 1
