"""The store on disk: commits of four processes at once, opening a store of a million results, a run as Parquet."""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, percentile, ratios

COMMIT_MS, OPENING, PARQUET = 100.0, 3.0, 1.3
WRITERS, PAUSE_S = 4, 0.05  # about 17 rows a second each: what a busy kernel writes
PANEL = ["cell", "prompt", "model", "status", "seconds", "cost_usd", "sha256", "width", "height"]  # what a grid shows
AT = "2026-11-21T00:00:00.000+00:00"
ROW = "INSERT INTO events (name, detail, created_at) VALUES (?, ?, ?)"


# ---------------------------------------------------------------------- commits
def write(path: str, seconds: float, way: str) -> dict[str, Any]:
    """Commit rows one by one for ``seconds``, through the journal or by hand, and return how long each took (ms)."""
    from imagegen_kit.store.journal import Journal

    luck, took = random.Random(os.getpid()), list[float]()
    journal = Journal(Path(path))
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30.0)) as by_hand:
        by_hand.execute("PRAGMA synchronous=FULL")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(luck.uniform(0.5, 1.5) * PAUSE_S)
            values, start = ("n", "x" * 400, AT), time.perf_counter()
            if way == "journal":
                journal.write([(ROW, values)]).result()
            else:
                by_hand.execute(ROW, values)
            took.append((time.perf_counter() - start) * 1e3)
    journal.close()
    return {"ms": took}


def four_at_once(seconds: float, way: str) -> dict[str, Any]:
    """Return p50, p99 and the worst commit of four processes that write to one journal."""
    from imagegen_kit.store.journal import Journal

    path = Path(f"{way}-{time.monotonic_ns()}.sqlite").absolute()
    Journal(path).close()
    arguments = json.dumps({"path": str(path), "seconds": seconds, "way": way})
    command = [sys.executable, "-m", "benchmarks.measure", "benchmarks.journal:write", arguments]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(WRITERS)]
    found = [json.loads(w.communicate()[0].splitlines()[-1])["ms"] for w in writers]
    took = [ms for of_one in found for ms in of_one]
    assert min(map(len, found)) > seconds
    return {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99), "max": max(took), "commits": len(took)}


def commits(seconds: float, runs: int) -> dict[str, Any]:
    """Run both ways in turn."""
    ways = {way: (lambda way=way: four_at_once(seconds, way)) for way in ("journal", "by hand")}
    return interleaved(ways, runs)


# ---------------------------------------------------------------------- opening
FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
    "INSERT INTO results (request, run, key, status, model_used, sha256, width, height, format, cost_usd, price_usd, "
    "cost_basis, same_model, seconds, attempts, created_at) SELECT i, i / 10000, printf('%064x', i), 'ok', 'a/b', "
    f"printf('%064x', i), 1024, 1024, 'png', 0.04, 0.04, 'table', 1, 1.5, 1, '{AT}' FROM n"
)
FIRST = "SELECT * FROM results LIMIT 1"


def ours(folder: Path) -> dict[str, Any]:
    """Open the store and read the first row."""
    from imagegen_kit.store import Store

    start = time.perf_counter()
    store = Store(folder)
    assert len(store.journal.read(FIRST)) == 1
    took = time.perf_counter() - start
    store.close()
    return {"wall": took}


def bare(folder: Path) -> dict[str, Any]:
    """Connect and read the first row."""
    start = time.perf_counter()
    connection = sqlite3.connect(folder / "journal.sqlite")
    assert connection.execute(FIRST).fetchone()
    took = time.perf_counter() - start
    connection.close()
    return {"wall": took}


def opening(rows: int, runs: int) -> dict[str, Any]:
    """Fill a journal and open it in both ways, in turn."""
    from imagegen_kit.store import Store

    folder = Path("large").absolute()
    store = Store(folder)
    store.journal.transact(lambda connection: connection.execute(FILL, (rows,))).result()
    store.close()
    ours(folder), bare(folder)  # imports
    size = (folder / "journal.sqlite").stat().st_size / 1e6
    return {**interleaved({"ours": lambda: ours(folder), "bare": lambda: bare(folder)}, runs), "MB": size}


# ---------------------------------------------------------------------- Parquet
def parquet(rows: int, runs: int) -> dict[str, Any]:
    """Write a run's table, ``rows`` of it, and read the columns of a panel in both ways, in turn."""
    import pandas as pd

    from benchmarks.table import fill
    from imagegen_kit.engine.session import close_default_engine, default_engine
    from imagegen_kit.tables.parquet import load_parquet, write_frame
    from imagegen_kit.tables.runs import run_table

    store, part = default_engine().store, min(rows, 50_000)
    frame = run_table(store, [fill(store.journal, part)])
    frame = pd.concat([frame] * (rows // part), ignore_index=True)
    close_default_engine()
    start = time.perf_counter()
    path = write_frame(frame, "run.parquet")
    written = time.perf_counter() - start
    del frame

    def timed(read: Any) -> dict[str, Any]:
        gc.collect()
        start, cpu = time.perf_counter(), time.process_time()
        assert len(read(path, columns=PANEL)) == rows
        return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}

    timed(load_parquet)
    found: dict[str, Any] = interleaved(
        {"ours": lambda: timed(load_parquet), "bare": lambda: timed(pd.read_parquet)}, runs
    )
    return {**found, "written": written, "MB": path.stat().st_size / 1e6}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure all three."""
    out = Outcome()
    seconds, rows, runs = (4.0, 50_000, 3) if quick else (15.0, 1_000_000, 7)
    found = fresh(commits, seconds=seconds, runs=3)
    out.figures += [
        Figure("journal: p99 of a commit, 4 processes", "ms", column(found["journal"], "p99"), COMMIT_MS),
        Figure("by hand (sqlite3, busy handler): p99", "ms", column(found["by hand"], "p99")),
        Figure("journal: p50", "ms", column(found["journal"], "p50")),
        Figure("by hand: p50", "ms", column(found["by hand"], "p50")),
        Figure("journal: worst", "ms", column(found["journal"], "max")),
        Figure("by hand: worst", "ms", column(found["by hand"], "max")),
    ]
    found = fresh(opening, rows=rows, runs=3 * runs)
    ours_s, bare_s = column(found["ours"], "wall"), column(found["bare"], "wall")
    out.figures += [
        Figure(f"opening {rows} results / connect + first row", "x", ratios(ours_s, bare_s), OPENING),
        Figure("opening", "ms", [s * 1e3 for s in ours_s]),
        Figure("connect + first row", "ms", [s * 1e3 for s in bare_s]),
    ]
    out.notes.append(f"the journal has {found['MB']:.0f} MB")
    found = fresh(parquet, rows=rows, runs=runs)
    ours_s, bare_s = column(found["ours"], "wall"), column(found["bare"], "wall")
    out.figures += [
        Figure(f"panel columns of {rows} rows / read_parquet", "x", ratios(ours_s, bare_s), PARQUET),
        Figure("the same by CPU", "x", ratios(column(found["ours"], "cpu"), column(found["bare"], "cpu"))),
        Figure("panel columns", "s", ours_s),
        Figure("read_parquet", "s", bare_s),
        Figure("writing it", "s", [found["written"]]),
    ]
    out.notes.append(f"the Parquet file has {found['MB']:.0f} MB")
    return out
