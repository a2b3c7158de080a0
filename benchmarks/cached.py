"""A run whose pictures are all in the cache: CPU a cell, and no call of the provider."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh
from benchmarks.pictures import Source, register_stored, stored
from benchmarks.threads import cpu_by_thread, profiled

TARGET_US = 100


def arm(cells: int, runs: int, fixed: dict[str, Any], profile: bool = False) -> dict[str, Any]:
    """Fill the cache with ``cells`` cells (prompts × 2 models × 5 repeats), then run them again ``runs`` times."""
    files = stored("tiny")
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    source = Source(files)
    models = register_stored(source, 0.0, models=2)
    prompts = [f"prompt {number}" for number in range(cells // 10)]
    experiment = ik.Experiment(
        vary={"prompt": prompts, "model": models}, repeats=5, fixed=fixed, policy=ik.Policy(concurrency=32)
    )
    experiment.run(progress=False)
    bought, engine, rows, tables = source.calls, default_engine(), list[dict[str, float]](), dict[str, str]()
    assert bought == cells, bought
    for _ in range(runs):
        before = cpu_by_thread()
        wall, cpu = time.perf_counter(), time.process_time()
        run = experiment.run(fresh=True, progress=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        after = cpu_by_thread()
        rows.append({"wall": wall, "cpu": cpu, **{name: after[name] - before[name] for name in after}})
        sql = "SELECT s.status, COUNT(*) FROM results s JOIN runs u ON u.number = s.run WHERE u.id = ? GROUP BY 1"
        status = dict(engine.store.journal.read(sql, (run.id,)))
        assert status == {"cached": cells}, status
    if profile:
        with profiled(engine) as tables:
            experiment.run(fresh=True, progress=False)
    calls = source.calls - bought
    close_default_engine()
    return {"rows": rows, "calls": calls, "profile": tables}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure plain cells, and cells with a seed and a size (their requests are changed by the fit)."""
    out = Outcome()
    cells, runs = (1_000, 3) if quick else (10_000, 5)
    stored("tiny")
    for name, fixed in (("plain", {}), ("seed, size", {"seed": 7, "size": "512x512"})):
        found = fresh(arm, cells=cells, runs=runs, fixed=fixed)
        rows = found["rows"]
        out.figures += [
            Figure(f"{name}: CPU a cell", "us", [c / cells * 1e6 for c in column(rows, "cpu")], TARGET_US),
            Figure(f"{name}: wall a cell", "us", [c / cells * 1e6 for c in column(rows, "wall")]),
            *(
                Figure(f"{name}: {thread} thread", "us", [c / cells * 1e6 for c in column(rows, thread)])
                for thread in ("loop", "journal", "main")
            ),
            Figure(f"{name}: calls of the provider", "", [found["calls"]], 0),
        ]
    if profile:
        for thread, table in fresh(arm, cells=cells, runs=1, fixed={}, profile=True)["profile"].items():
            out.notes.append(f"profile of the {thread} thread, {cells} cached cells:\n{table}")
    return out
