"""A paid job is never paid twice because of us: a real process is killed at each boundary, another one goes on."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import imagegen_kit as ik
from tests.reliability.children import Child, attempts, ledger, rows, same_place, until
from tests.reliability.services import PRICE, Call, GoOn, Killer, Lab, half_then, variables

SEEDS = 25


@dataclass(frozen=True)
class Boundary:
    """Where the process dies: at a point of its own (see ``child.POINTS``) or by the service's hand, at ``door``.

    ``left`` is how the journal shows the attempt that was struck: its state, and whether its job has a name.
    """

    name: str
    left: tuple[str, bool] | None
    own: str = ""
    door: str = ""
    accepted: int = 1  # what the service took of the request that was struck


BOUNDARIES = (
    Boundary("before intent", None, own="before the intent is written", accepted=0),
    Boundary("before submit", ("submitting", False), own="before submit", accepted=0),
    Boundary("after accept, before reply", ("submitting", False), door="submit"),
    Boundary("after reply, before commit", ("submitting", False), own="after the reply, before its commit"),
    Boundary("while polling", ("submitted", True), door="poll"),
    Boundary("mid-download", ("submitted", True), door="picture"),
    Boundary("after file, before row", ("submitted", True), own="after the file, before its row"),
    Boundary("after row, before cell's end", ("stored", True), own="after the row, before its cell's end"),
    Boundary("before acknowledgement", ("stored", True), own="before it is acknowledged"),
)


@dataclass
class Scene:
    """One kill: the seed decides how many cells there are, how many are bought at once, which is struck and when."""

    boundary: Boundary
    seed: int
    folder: Path
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        chance = random.Random(f"{self.boundary.name} {self.seed}")
        self.prompts = [f"cell {n} of scene {self.seed}" for n in range(chance.randint(3, 6))]
        self.concurrency = chance.choice((1, 2, 4))
        self.nth = chance.randint(1, len(self.prompts))
        self.victim = chance.choice(self.prompts)
        self.before_answer = chance.random() < 0.5
        polls = chance.randint(1, 4)
        self.poll = chance.randint(1, polls)
        self.sim = Lab(polls=polls, latency=chance.choice((0.0, 0.05, 0.15)), look="tiny")
        if chance.random() < 0.3:
            self.sim.play(*["expired_result"] * len(self.prompts))
        self.killer = Killer()
        self.sim.door = self.strike if self.boundary.door else None

    @property
    def store(self) -> Path:
        return self.folder / "store"

    async def strike(self, call: Call, go_on: GoOn) -> Any:
        """Stand at the door of the service and kill the client when its time has come."""
        self.seen[call.kind] += call.prompt == self.victim
        due = call.prompt == self.victim and call.kind == self.boundary.door and not self.killer.kills
        if not due or (call.kind == "poll" and self.seen["poll"] < self.poll):
            return await go_on()
        if call.kind == "picture":
            response = await go_on()
            if response.status_code != 200:  # its address has run out: the next one is struck
                return response
            return half_then(response, self.killer.strike)
        if call.kind == "poll" and self.before_answer:
            await self.killer.strike()
            return await go_on()
        response = await go_on()
        await self.killer.strike()
        return response

    def play(self) -> dict[str, int]:
        """Let a process buy, die, and another one go on, twice; hold everything against the service's own ledger."""
        with self.sim:
            environment = variables(self.sim)
            self.kill(environment)
            before = attempts(self.store)
            self.check_where_it_died(before)
            calls = len(self.sim.calls)
            with same_place(self.store, environment):
                run = ik.open_run("killed").resume()
                self.check_what_became_of_it(before, run)
            asked_for = {call.prompt for call in self.sim.calls[calls:]}
            assert not asked_for & {p for p, tries in before.items() if tries[0][0] == "stored"}
            asked, kept = len(self.sim.ledger.requests), self.kept()
            with same_place(self.store, environment):
                again = ik.open_run("killed").resume()
                assert again.done == len(self.prompts)
            assert len(self.sim.ledger.requests) == asked, "the second resume() asked the service for something"
            assert self.kept() == kept, "the second resume() wrote rows"
        statuses = Counter(status for status, *_ in self.results())
        accepted = self.sim.accepted_by_prompt
        return {
            "kills": 1, "cells": len(self.prompts), "submits": len(self.sim.submits), "stored": statuses["ok"],
            "unknown": statuses["unknown"], "doubled": sum(count > 1 for count in accepted.values()),
        }  # fmt: skip

    def kill(self, environment: dict[str, str]) -> None:
        child = Child(
            self.folder, environment, do="experiment", model="lab/one", prompts=self.prompts,
            policy={"concurrency": self.concurrency}, die=self.boundary.own, nth=self.nth,
        )  # fmt: skip
        self.killer.pid = child.pid
        child.killed()
        until(lambda: self.sim.connections == 0, "the service has seen all that the dead process sent")

    def check_where_it_died(self, before: dict[str, list[tuple[str, str | None]]]) -> None:
        """The kill was where it should be: an attempt stands in the journal as a kill there leaves it."""
        accepted = self.sim.accepted_by_prompt
        struck = [self.victim] if self.boundary.door else self.prompts
        left = {p: (before[p][0][0], before[p][0][1] is not None) if p in before else None for p in struck}
        at_boundary = [p for p in struck if left[p] == self.boundary.left and accepted[p] == self.boundary.accepted]
        assert at_boundary, f"{self.boundary.name}: {left}, {accepted}"
        if self.boundary.name == "after file, before row":
            files = list((self.store / "pictures").rglob("*.png"))
            assert len(files) > len(rows(self.store, "SELECT 1 FROM artifacts"))
        if self.boundary.left == ("stored", True):
            assert rows(self.store, "SELECT COUNT(*) FROM results") > [(0,)]
            ended = rows(self.store, "SELECT COUNT(*) FROM cell_ends")
            assert ended < rows(self.store, "SELECT COUNT(*) FROM results")

    def check_what_became_of_it(self, before: dict[str, list[tuple[str, str | None]]], run: Any) -> None:
        """Every intent was accepted at most once; what could be found out was, and the rest is unknown and shown."""
        accepted, table = self.sim.accepted_by_prompt, run.table().set_index("prompt")
        submits = Counter(call.prompt for call in self.sim.submits)
        lost = []
        for prompt in self.prompts:
            state, job_id = before[prompt][0] if prompt in before else (None, None)
            row = table.loc[prompt]
            assert accepted[prompt] <= 1, f"{prompt} was bought {accepted[prompt]} times"
            assert submits[prompt] <= 1, f"{prompt} was sent {submits[prompt]} times"
            if state == "submitting" and job_id is None:
                lost.append(prompt)
                assert row["status"] == "unknown", f"{prompt}: {dict(row)}"
                assert "retry_failed" in row["error"]
                continue
            assert row["status"] == "ok", f"{prompt} was {state} with job {job_id}: {dict(row)}"
            assert accepted[prompt] == 1
            picture = Path(row["path"])
            assert hashlib.sha256(picture.read_bytes()).hexdigest() == row["sha256"]
        bought = len(self.prompts) - len(lost)
        costs = run.costs()
        assert costs["unknown_costs"].sum() == len(lost)
        assert costs["known_cost_usd"].sum() == pytest.approx(bought * PRICE)
        money = ledger(self.store)
        assert money.get("unknown", 0) == pytest.approx(len(lost) * PRICE), "what may be paid stays reserved"
        assert money.get("settled", 0) == pytest.approx(bought * PRICE)
        assert set(money) <= {"unknown", "settled", "released"}

    def results(self) -> list[tuple[Any, ...]]:
        return rows(self.store, "SELECT status, sha256 FROM results WHERE replaced = 0")

    def kept(self) -> list[tuple[Any, ...]]:
        """All that a resume could change, but for the lock that a session holds on itself."""
        tables = ("runs", "cells", "cell_ends", "requests", "results", "attempts", "artifacts", "ledger")
        return [row for table in tables for row in rows(self.store, f"SELECT '{table}', * FROM {table}")]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda b: b.name)
def test_a_process_killed_at_a_boundary_pays_once_and_another_one_goes_on(boundary: Boundary, tmp_path: Path) -> None:
    Scene(boundary, 0, tmp_path).play()


@pytest.mark.soak
def test_more_than_two_hundred_kills_lose_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    total: dict[str, Counter[str]] = {}
    for boundary in BOUNDARIES:
        total[boundary.name] = Counter()
        for seed in range(1, SEEDS + 1):
            folder = tmp_path / f"{boundary.name} {seed}"
            try:
                total[boundary.name].update(Scene(boundary, seed, folder).play())
            except BaseException as error:
                error.add_note(f"boundary {boundary.name!r}, seed {seed}")
                raise
    with capsys.disabled():
        names = ("kills", "cells", "submits", "stored", "unknown", "doubled")
        print(f"\n{'boundary':<28}" + "".join(f"{name:>9}" for name in names))
        for name, counted in total.items():
            print(f"{name:<28}" + "".join(f"{counted[n]:>9}" for n in names))
    assert sum(counted["kills"] for counted in total.values()) == SEEDS * len(BOUNDARIES)
    assert all(counted["doubled"] == 0 for counted in total.values())
    assert all(c["stored"] + c["unknown"] == c["cells"] for c in total.values())
