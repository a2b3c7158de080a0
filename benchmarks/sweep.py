"""Sweep: many cells against a service with latency, everything kept, beside the same by hand."""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks import floor
from benchmarks.measure import (
    Figure,
    Outcome,
    column,
    fresh,
    interleaved,
    peak_rss_mb,
    percentile,
    ratios,
    tick,
)
from benchmarks.pictures import Source, register_stored, stored

LATENCY_S, CONCURRENCY = 0.3, 32
LAG_MS, RSS_MB, GROWTH_MB = 25, 200, 30


def engine_arm(kind: str, cells: int, latency_s: float, concurrency: int, jobs: bool = False) -> dict[str, Any]:
    """Run the sweep as an experiment in this process and return what it took; with ``jobs`` each call names one."""
    files = stored(kind)
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    source = Source(files)
    model = register_stored(source, latency_s, jobs=jobs)[0]
    experiment = ik.Experiment(
        vary={"prompt": [f"prompt {number}" for number in range(cells)], "model": [model]},
        policy=ik.Policy(concurrency=concurrency),
    )
    engine, lags = default_engine(), list[float]()
    ticker = engine.background.submit(tick(lags))
    wall, cpu = time.perf_counter(), time.process_time()
    run = experiment.run(progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ticker.cancel()
    rss = peak_rss_mb()  # before the check below, which reads the journal
    status = dict(engine.store.journal.read("SELECT status, COUNT(*) FROM results GROUP BY status"))
    assert status == {"ok": cells}, status
    assert run.done == cells
    assert source.calls == cells
    close_default_engine()
    return {"wall": wall, "cpu": cpu, "lag_p99": percentile(lags, 0.99), "lag_max": max(lags), "rss": rss}


def pair(kind: str, cells: int, runs: int, out: Outcome) -> None:
    """Measure one size of picture against its floor."""
    asked = {"kind": kind, "cells": cells, "latency_s": LATENCY_S, "concurrency": CONCURRENCY}
    found = interleaved(
        {"engine": lambda: fresh(engine_arm, **asked), "floor": lambda: fresh(floor.sweep, **asked)}, runs
    )
    engine, by_hand = found["engine"], found["floor"]
    ideal = math.ceil(cells / CONCURRENCY) * LATENCY_S
    walls, floors = column(engine, "wall"), column(by_hand, "wall")
    tiny = kind == "tiny"
    out.figures += [
        Figure(f"{kind}: wall / ideal", "x", [w / ideal for w in walls], 1.08 if tiny else None),
        Figure(f"{kind}: wall / floor", "x", ratios(walls, floors), None if tiny else 1.25),
        Figure(f"{kind}: floor / ideal", "x", [w / ideal for w in floors]),
        Figure(f"{kind}: CPU a cell", "ms", [c / cells * 1e3 for c in column(engine, "cpu")]),
        Figure(f"{kind}: CPU a cell, floor", "ms", [c / cells * 1e3 for c in column(by_hand, "cpu")]),
        Figure(f"{kind}: loop lag p99", "ms", column(engine, "lag_p99"), LAG_MS),
        Figure(f"{kind}: loop lag p99, floor", "ms", column(by_hand, "lag_p99")),
        Figure(f"{kind}: loop lag max", "ms", column(engine, "lag_max")),
        Figure(f"{kind}: peak RSS", "MB", column(engine, "rss"), RSS_MB),
        Figure(f"{kind}: peak RSS, floor", "MB", column(by_hand, "rss")),
    ]


def growth(cells: int, runs: int, out: Outcome) -> None:
    """Measure whether a long run needs more memory than a short one."""
    few = 500
    asked = {"kind": "tiny", "latency_s": 0.005, "concurrency": 128}
    found = interleaved(
        {
            "few": lambda: fresh(engine_arm, cells=few, **asked),
            "many": lambda: fresh(engine_arm, cells=cells, **asked),
        },
        runs,
    )
    short, long = found["few"], found["many"]
    extra = [b - a for a, b in zip(column(short, "rss"), column(long, "rss"), strict=True)]
    out.figures += [
        Figure(f"RSS of {cells} cells - of {few}", "MB", extra, GROWTH_MB),
        Figure(f"{cells} cells: peak RSS", "MB", column(long, "rss")),
        Figure(f"{cells} cells: pictures kept a second", "1/s", [cells / w for w in column(long, "wall")]),
        Figure(f"{cells} cells: CPU a cell", "ms", [c / cells * 1e3 for c in column(long, "cpu")]),
        Figure(f"{cells} cells: loop lag p99", "ms", column(long, "lag_p99")),
    ]


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure all of it."""
    out = Outcome()
    if quick:
        out.notes.append("quick: few cells, so that start and end weigh more than in a real sweep.")
    cells, runs = (96, 1) if quick else (500, 3)
    stored("tiny")
    stored("large")  # made before anything is measured
    pair("tiny", cells, runs, out)
    pair("large", cells, runs, out)
    growth(4_000 if quick else 20_000, 1 if quick else 3, out)
    return out
