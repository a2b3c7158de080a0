"""A service that fails in every way that services fail: each cell is stored or says why not, and every call counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import imagegen_kit as ik
from tests.reliability.children import ledger, rows, same_place
from tests.reliability.gate import Gate
from tests.reliability.services import Call, GoOn, Lab, OpenAI, too_many, variables

MODELS = {"openai": "openai/gpt-image-2.5-flare", "lab": "lab/one"}
# Of every twenty calls; the rest goes well. At "refused" the gate is shut for a moment: who comes next is refused.
FAULTS = {"rate_limited": 2, "error_500": 1, "truncated": 1, "drop": 1, "refused": 1}
REFUSED_FOR_S = 0.1
KEYS = 8  # with one key alone the pauses that are asked for keep calls so far apart that none meets the shut gate
SEED = 20261127


def fates_of_calls(chance: random.Random) -> Iterator[str]:
    """Yield what each next call meets, in twenties that are shuffled."""
    twenty = [name for name, count in FAULTS.items() for _ in range(count)]
    twenty += ["ok"] * (20 - len(twenty))
    while True:
        yield from chance.sample(twenty, 20)


@pytest.mark.alone
@pytest.mark.parametrize("cells", [40, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", MODELS)
def test_each_cell_is_stored_or_says_why_not_and_every_call_counts(name: str, cells: int, tmp_path: Path) -> None:
    next_fates = fates_of_calls(random.Random(SEED))
    sim: Any = OpenAI(latency=0.02) if name == "openai" else Lab(latency=0.02, polls=0, look="tiny")
    fates: Counter[str] = Counter()
    with sim, Gate(sim.origin_url) as gate:
        sim.outside = gate.url

        async def door(call: Call, go_on: GoOn) -> Any:
            if call.kind == "submit":
                mode = next(next_fates)
                fates[mode] += 1
                if mode == "rate_limited":
                    return closed(too_many(0.05))
                if mode == "refused":
                    await gate.shut_for(REFUSED_FOR_S)
                elif mode != "ok":
                    sim.play(mode)
            return closed(await go_on())

        sim.door = door
        with same_place(tmp_path / "store", several_keys(sim)):
            policy = ik.Policy(attempts=4, timeout_s=60, concurrency=8)
            prompts = [f"cell {n}" for n in range(cells)]
            run = ik.Experiment(vary={"prompt": prompts}, fixed={"model": MODELS[name]}, policy=policy).run(
                progress=False
            )
            table = run.table().set_index("prompt")
    assert set(fates) == {*FAULTS, "ok"}, "some fault never came"
    tried = rows(tmp_path / "store", "SELECT state, error_type, error, job_id FROM attempts")
    unreached = [  # of a job that was taken, only a look at it found the gate shut
        words
        for _, kind, words, job_id in tried
        if kind == "ServiceUnavailable" and "cannot be reached" in words and job_id is None
    ]
    assert unreached, "the gate was never met shut"

    # Calls made = calls in the service's ledger = attempts in the journal; those refused at the gate reached nobody.
    assert len(tried) - len(unreached) == len(sim.submits) == sum(fates.values())
    outcomes = Counter(state for state, *_ in tried)
    lost = sum(kind == "ServiceUnavailable" and job_id is not None for _, kind, _, job_id in tried)  # never seen again
    assert set(outcomes) <= {"stored", "failed", "unknown"}
    assert outcomes["unknown"] == fates["error_500"] + fates["drop"] + lost
    assert outcomes["stored"] == fates["ok"] + fates["refused"] - lost
    told = Counter(kind for state, kind, *_ in tried if state == "failed")
    assert told == {
        "RateLimited": fates["rate_limited"],
        "InvalidReply": fates["truncated"],
        "ServiceUnavailable": len(unreached),
    }

    # Every cell is there, and has a picture or a cause.
    assert sorted(table.index) == sorted(prompts)
    ok = table[table.status == "ok"]
    assert len(ok) == outcomes["stored"]
    assert all(Path(path).stat().st_size > 0 for path in ok.path)
    bad = table[table.status != "ok"]
    assert set(bad.status) <= {"failed", "unknown"}
    assert bad.error.notna().all()
    assert (bad.error.str.len() > 20).all()
    calls = Counter(call.prompt for call in sim.submits)
    assert max(calls.values()) <= 4

    # What the service charges is what the journal holds as spent, or as perhaps spent.
    money = dict(rows(tmp_path / "store", "SELECT state, COUNT(*) FROM ledger GROUP BY 1"))
    assert money["settled"] == fates["ok"] + fates["refused"] + fates["truncated"] - lost
    assert money["unknown"] == outcomes["unknown"]
    assert len(sim.ledger.accepted) == money["settled"] + fates["drop"] + lost
    assert set(ledger(tmp_path / "store")) == {"settled", "unknown", "released"}


def several_keys(sim: Any) -> dict[str, str]:
    """Return the variables of as many keys, all of which ``sim`` takes."""
    sim.keys = tuple(f"key-{n}" for n in range(1, KEYS + 1))
    name = next(n for n in variables(sim) if n.endswith("KEY"))
    return {**variables(sim), name: "key-1", **{f"{name}_{n}": f"key-{n}" for n in range(2, KEYS + 1)}}


def closed(response: Any) -> Any:
    """Let the connection end with this answer, so that the next call knocks at the gate again."""
    if hasattr(response, "headers"):
        response.headers["connection"] = "close"
    return response
