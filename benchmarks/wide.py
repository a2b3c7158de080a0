"""Wide: 20,000 cells at 256 calls at once, everything kept, beside the same client by hand that loses as little.

By hand too the intent is on disk before a call is sent (a job's name before it is waited for), and the result after the
picture: what a call costs in durable commits is the same in both arms, and both share their commits between the calls
that wait. First over latency in this process, then over real HTTP with the service in a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import clouds
from benchmarks.clouds import CONNECTIONS, HANDS
from benchmarks.floor import keep
from benchmarks.grouped import INTENT, JOB, RESULT, GroupedRows
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
from benchmarks.pictures import Source, stored
from benchmarks.served import served
from benchmarks.sweep import GROWTH_MB, LAG_MS, RSS_MB, engine_arm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LATENCY_S, CONCURRENCY = 0.05, 256
WALL = 1 / 0.9  # of the hand's: its throughput is at least 0.9 of it
FEW = 2_000


# ---------------------------------------------------------------------- by hand
async def _by_hand(
    cells: int, concurrency: int, calls: list[Callable[[str], Awaitable[bytes]]], jobs: bool
) -> dict[str, Any]:
    """Ask ``calls`` in turn for each cell and keep what comes; with ``jobs`` a name is recorded as well."""
    root, lags = Path.cwd(), list[float]()
    slots, waiting = asyncio.Semaphore(concurrency), asyncio.Semaphore(2 * (os.cpu_count() or 2) + 4)
    keep(await calls[0]("warm"), root)  # imports and Pillow's own first-use work, which the engine has behind it too
    wall, cpu = time.perf_counter(), time.process_time()
    with GroupedRows(root / "kept.sqlite") as rows, ThreadPoolExecutor(os.cpu_count()) as threads:

        async def one(number: int) -> None:
            loop, prompt = asyncio.get_running_loop(), f"prompt {number}"
            async with slots:
                await rows.write(INTENT, (number, prompt, 0.04, time.time()))
                if jobs:
                    await rows.write(JOB, (f"job-{number}", number))
                started = time.monotonic()
                data = await calls[number % len(calls)](prompt)
                seconds = time.monotonic() - started
                await waiting.acquire()  # no more pictures in memory than the threads can soon put away
            try:
                digest = await loop.run_in_executor(threads, keep, data, root)
            finally:
                waiting.release()
            await rows.write(RESULT, (number, digest, 0.04, seconds, time.time()))

        ticker = asyncio.create_task(tick(lags))
        async with asyncio.TaskGroup() as group:
            for number in range(cells):
                group.create_task(one(number))
        ticker.cancel()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert rows.count("intents") == rows.count("results") == cells
    return {
        "wall": wall, "cpu": cpu, "lag_p99": percentile(lags, 0.99), "lag_max": max(lags), "rss": peak_rss_mb(),
        "commits": rows.commits,
    }  # fmt: skip


def hand_arm(cells: int, jobs: bool = False) -> dict[str, Any]:
    """Run the cells by hand over latency in this process."""
    source = Source(stored("tiny"))

    async def call(_: str) -> bytes:
        await asyncio.sleep(LATENCY_S)
        return source.next()

    return asyncio.run(_by_hand(cells, CONCURRENCY, [call], jobs))


def http_hand_arm(base_url: str, key: str, cells: int) -> dict[str, Any]:
    """Run the cells by hand with the service's SDK, over as many clients of 64 connections as are needed."""
    return asyncio.run(_http_by_hand(base_url, key, cells))


async def _http_by_hand(base_url: str, key: str, cells: int) -> dict[str, Any]:
    import httpx2

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    count = math.ceil(CONCURRENCY / CONNECTIONS)
    https = [httpx2.AsyncClient(limits=limits, timeout=60) for _ in range(count)]
    found = await _by_hand(cells, CONCURRENCY, [HANDS["openai"](http, base_url, key) for http in https], jobs=False)
    for http in https:
        await http.aclose()
    return found


# ---------------------------------------------------------------------- the toolkit
def http_engine_arm(base_url: str, key: str, cells: int) -> dict[str, Any]:
    """Run the cells as an experiment with the openai adapter; adds how many connections its largest pool has."""
    return clouds.engine_arm("openai", base_url, key, cells, CONCURRENCY, look_at=pools)


def pools() -> dict[str, Any]:
    """Return how many pools of connections this process has that are in use, and the size of the largest."""
    import httpcore2

    found = [one for one in gc.get_objects() if isinstance(one, httpcore2.AsyncConnectionPool)]
    sizes = [len(one.connections) for one in found if one.connections]
    return {"pools": len(sizes), "largest": max(sizes), "rss": peak_rss_mb()}


# ---------------------------------------------------------------------- figures
def _beside(
    name: str, engine: list[dict[str, Any]], hand: list[dict[str, Any]], cells: int, lag_ms: float | None = LAG_MS
) -> list[Figure]:
    walls, cpus = column(engine, "wall"), column(engine, "cpu")
    return [
        Figure(f"{name}: wall / by hand (>= 0.9 x its throughput)", "x", ratios(walls, column(hand, "wall")), WALL),
        Figure(f"{name}: cells a second", "1/s", [cells / w for w in walls]),
        Figure(f"{name}: cells a second, by hand", "1/s", [cells / w for w in column(hand, "wall")]),
        Figure(f"{name}: CPU / by hand", "x", ratios(cpus, column(hand, "cpu"))),
        Figure(f"{name}: CPU a cell", "ms", [c / cells * 1e3 for c in cpus]),
        Figure(f"{name}: CPU a cell, by hand", "ms", [c / cells * 1e3 for c in column(hand, "cpu")]),
        Figure(f"{name}: cells a commit, by hand", "", [cells / c for c in column(hand, "commits")]),
        Figure(f"{name}: loop lag p99", "ms", column(engine, "lag_p99"), lag_ms),
        Figure(f"{name}: loop lag p99, by hand", "ms", column(hand, "lag_p99")),
    ]


def in_process(cells: int, few: int, runs: int, out: Outcome) -> None:
    """Measure synchronous calls, and whether many need more memory than few."""
    asked = {"kind": "tiny", "latency_s": LATENCY_S, "concurrency": CONCURRENCY}
    found = interleaved(
        {
            "few": lambda: fresh(engine_arm, cells=few, **asked),
            "engine": lambda: fresh(engine_arm, cells=cells, **asked),
            "hand": lambda: fresh(hand_arm, cells=cells),
        },
        runs,
    )
    many, less = column(found["engine"], "rss"), column(found["few"], "rss")
    out.figures += [
        *_beside(f"{cells} cells", found["engine"], found["hand"], cells),
        Figure(f"{cells} cells: peak RSS", "MB", many, RSS_MB),
        Figure(f"{cells} cells: peak RSS, by hand", "MB", column(found["hand"], "rss")),
        Figure(f"RSS of {cells} cells - of {few}", "MB", [a - b for a, b in zip(many, less, strict=True)], GROWTH_MB),
    ]


def jobs(cells: int, runs: int, out: Outcome) -> None:
    """Measure calls of a job API, which has three durable commits each."""
    asked = {"kind": "tiny", "latency_s": LATENCY_S, "concurrency": CONCURRENCY, "jobs": True}
    found = interleaved(
        {
            "engine": lambda: fresh(engine_arm, cells=cells, **asked),
            "hand": lambda: fresh(hand_arm, cells=cells, jobs=True),
        },
        runs,
    )
    out.figures += _beside(f"{cells} jobs", found["engine"], found["hand"], cells)


def over_http(cells: int, runs: int, out: Outcome) -> None:
    """Measure the openai adapter over real HTTP, and the connections of its largest pool."""
    with served("openai", LATENCY_S, "tiny") as at:
        found = interleaved(
            {
                "engine": lambda: fresh(http_engine_arm, cells=cells, **at),
                "hand": lambda: fresh(http_hand_arm, cells=cells, **at),
            },
            runs,
        )
    name = f"{cells} cells over HTTP"
    out.figures += [
        *_beside(name, found["engine"], found["hand"], cells, None),  # the SDK's own work holds the loop up by hand too
        Figure(f"{name}: pools", "", column(found["engine"], "pools")),
        Figure(f"{name}: connections of the largest", "", column(found["engine"], "largest"), CONNECTIONS),
    ]


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure all of it."""
    out = Outcome()
    if quick:
        out.notes.append("quick: few cells, so that start and end weigh more than in a real sweep.")
    stored("tiny")
    runs = 1 if quick else 3
    in_process(1_500 if quick else 20_000, 500 if quick else FEW, runs, out)
    jobs(500 if quick else 4_000, runs, out)
    over_http(500 if quick else 4_000, runs, out)
    out.notes.append("over HTTP the service shares this machine's cores; its own work is not in the CPU of either arm.")
    return out
