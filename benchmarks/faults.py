"""Faults: many cells at a service that fails often; every cell is stored or recorded with its cause, no call is lost.

The service runs in a process of its own and keeps its own list of requests and charges, which is the judge: as many
calls were made as the ledger and the journal know, and nothing was charged that the ledger calls free.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh
from benchmarks.served import shuffled, watched

LATENCY_S, CONCURRENCY = 0.05, 32
MODEL = "openai/gpt-image-2.5-flare"
SHARES = {"rate_limited": 0.10, "error_500": 0.05, "truncated": 0.05, "drop": 0.05, "blocked_before": 0.05}
SCRIPT = 2  # times as many calls as cells are scripted, for calls made again meet faults as well


def arm(base_url: str, key: str, cells: int) -> dict[str, Any]:
    """Run the cells against the service at ``base_url`` and return what the journal says of them."""
    from pydantic import SecretStr

    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine
    from imagegen_kit.settings import Endpoint, point_at

    point_at({"openai": Endpoint(base_url, SecretStr(key), "simulated:openai")})
    experiment = ik.Experiment(
        vary={"prompt": [f"prompt {number}" for number in range(cells)], "model": [MODEL]},
        policy=ik.Policy(concurrency=CONCURRENCY, attempts=5),
    )
    engine = default_engine()
    wall, cpu = time.perf_counter(), time.process_time()
    run = experiment.run(progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rows = engine.store.journal.read("SELECT status, sha256, format, error_type, error FROM results WHERE replaced = 0")
    statuses = Counter(status for status, *_ in rows)
    assert len(rows) == len(run) == cells, (len(rows), len(run))
    known = sum(
        Path(engine.store.blobs.name(sha256, format)).stat().st_size > 0
        if status == "ok"
        else status in ("failed", "blocked", "unknown") and bool(error_type and error)
        for status, sha256, format, error_type, error in rows
    )
    read = engine.store.journal.read
    attempts = dict(read("SELECT state, COUNT(*) FROM attempts GROUP BY state"))
    ledger = dict(read("SELECT state, COUNT(*) FROM ledger GROUP BY state"))
    twice = "SELECT key FROM attempts WHERE state = 'stored' GROUP BY key HAVING COUNT(*) > 1"
    again = read(twice)
    assert not again, again
    causes = Counter(error_type for status, _, _, error_type, _ in rows if status != "ok")
    close_default_engine()
    return {
        "wall": wall, "cpu": cpu, "lost": cells - known, "statuses": statuses, "attempts": attempts, "ledger": ledger,
        "causes": causes,
    }  # fmt: skip


def drill(cells: int, seed: int) -> dict[str, Any]:
    """Run the cells once and hold the service's own list against the ledger and the journal."""
    script = shuffled(SHARES, SCRIPT * cells, seed)
    with watched("openai", LATENCY_S, "tiny", script) as (at, told):
        found = fresh(arm, cells=cells, **at)
        seen = told()
    attempts, ledger = found["attempts"], found["ledger"]
    played = Counter(script[: seen["requests"]])
    assert seen["broken"] == 0, seen
    assert seen["requests"] == sum(attempts.values()) == sum(ledger.values()), (seen, attempts, ledger)
    # Each fault is told apart: what is charged is settled or, where nobody can know, unknown with its reservation.
    assert ledger.get("released", 0) == played["rate_limited"] + played["blocked_before"], (played, ledger)
    assert ledger.get("unknown", 0) == played["drop"] + played["error_500"], (played, ledger)
    assert ledger["settled"] + played["drop"] == seen["charges"], (seen, ledger)
    assert found["statuses"]["ok"] == attempts["stored"] == played["ok"], (played, attempts)
    faults = seen["requests"] - played["ok"]
    return {**found, **seen, "faults": faults}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Run the drill."""
    out = Outcome()
    cells, runs = (60 if quick else 500), 1  # eight minutes: the engine goes slower after each "too many requests"
    found = [drill(cells, seed) for seed in range(runs)]
    out.figures += [
        Figure(f"{cells} cells: neither stored nor recorded with a cause", "", column(found, "lost"), 0),
        Figure("calls made - calls in the ledger", "", [r["requests"] - sum(r["ledger"].values()) for r in found], 0),
        Figure("calls made - attempts in the journal", "",
               [r["requests"] - sum(r["attempts"].values()) for r in found], 0),
        Figure("calls made", "", column(found, "requests")),
        Figure("of them faults", "", column(found, "faults")),
        Figure("pictures stored", "", [r["statuses"]["ok"] for r in found]),
        Figure("wall", "s", column(found, "wall")),
        Figure("calls a second", "1/s", [r["requests"] / r["wall"] for r in found]),
        Figure("CPU a cell", "ms", [c / cells * 1e3 for c in column(found, "cpu")]),
    ]  # fmt: skip
    causes = Counter[str]()
    for row in found:
        causes.update(row["causes"])
    out.notes.append("recorded causes: " + ", ".join(f"{name} {count}" for name, count in causes.most_common()))
    return out
