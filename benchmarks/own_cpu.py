"""The engine's own CPU: what a cell costs beside keeping its picture (fit, key, journal, ledger, events)."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh
from benchmarks.pictures import Source, register_stored, stored
from benchmarks.threads import cpu_by_thread, profiled

TARGET_MS = 1.0
ROUNDS = 4  # the two are measured in turn within one process, for each drifts with the machine


def arm(cells: int, price_usd: float, keep_first: bool, profile: bool = False) -> dict[str, Any]:
    """Keep ``cells`` pictures with the engine's own function, and run an experiment of as many, in this process."""
    files = stored("tiny")
    import imagegen_kit as ik
    from imagegen_kit.engine.keep import keep_picture
    from imagegen_kit.engine.session import close_default_engine, default_engine
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import ImageRequest

    request = ImageRequest(prompt="prompt", model="bench/still-0")
    alone = Source(files)

    def keep_alone(count: int) -> float:
        blobs = Blobs(Path("alone").absolute())
        cpu = time.process_time()
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for _ in threads.map(lambda _: keep_picture(blobs, alone.next(), request, None), range(count)):
                pass
        return time.process_time() - cpu

    source = Source(files)
    model = register_stored(source, 0.0, price_usd=price_usd)[0]
    policy = ik.Policy(concurrency=32)
    engine = default_engine()

    def experiment(name: str, count: int) -> Any:
        prompts = [f"{name} {number}" for number in range(count)]
        return ik.Experiment(vary={"prompt": prompts, "model": [model]}, policy=policy)

    experiment("warm", 50).run(progress=False)  # imports and the making of the store are not a cell's
    keep_alone(50)
    rounds = [experiment(f"round {number}", cells // ROUNDS) for number in range(ROUNDS)]
    keep = wall = cpu = 0.0
    threads: dict[str, float] = {}
    for number, measured in enumerate(rounds):
        if (number % 2 == 0) == keep_first:
            keep += keep_alone(cells // ROUNDS)
        before, started, at = cpu_by_thread(), time.process_time(), time.perf_counter()
        measured.run(progress=False)
        wall, cpu = wall + time.perf_counter() - at, cpu + time.process_time() - started
        threads = {name: threads.get(name, 0.0) + s - before[name] for name, s in cpu_by_thread().items()}
        if (number % 2 == 0) != keep_first:
            keep += keep_alone(cells // ROUNDS)
    status = dict(engine.store.journal.read("SELECT status, COUNT(*) FROM results GROUP BY status"))
    assert status == {"ok": ROUNDS * (cells // ROUNDS) + 50}, status
    tables = dict[str, str]()
    if profile:
        with profiled(engine) as tables:
            experiment("profiled", cells).run(progress=False)
    close_default_engine()
    seconds = {"own": cpu - keep, "all": cpu, "keep": keep, "wall": wall, **threads}
    seconds["ours"] = threads["loop"] + threads["journal"] + threads["main"]
    return {**{name: 1e3 * s / cells for name, s in seconds.items()}, "profile": tables}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure free models (no ledger) and paid ones (reserved and settled)."""
    out = Outcome()
    cells, runs = (500, 3) if quick else (2_000, 5)
    rows: dict[str, list[dict[str, Any]]] = {"free": [], "paid": []}
    stored("tiny")
    for number in range(runs):
        for name, price in (("free", 0.0), ("paid", 0.04)):
            rows[name].append(fresh(arm, cells=cells, price_usd=price, keep_first=number % 2 == 0))
    for name, found in rows.items():
        out.figures += [
            Figure(f"{name}: own CPU a cell (all - keeping)", "ms", column(found, "own"), TARGET_MS),
            Figure(f"{name}: CPU of loop and journal threads", "ms", column(found, "ours")),
            Figure(f"{name}: all CPU a cell", "ms", column(found, "all")),
            Figure(f"{name}: keeping alone", "ms", column(found, "keep")),
            Figure(f"{name}: wall a cell", "ms", column(found, "wall")),
            *(
                Figure(f"{name}: {thread} thread", "ms", column(found, thread))
                for thread in ("loop", "journal", "pictures", "main")
            ),
        ]
    if profile:
        for thread, table in fresh(arm, cells=cells, price_usd=0.04, keep_first=True, profile=True)["profile"].items():
            out.notes.append(f"profile of the {thread} thread, {cells} paid cells:\n{table}")
    return out
