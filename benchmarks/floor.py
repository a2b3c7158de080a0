"""The same keeping, written by hand in a few lines: what no toolkit can be faster than and still lose nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_rss_mb, percentile, tick
from benchmarks.pictures import Source, stored


def keep(data: bytes, root: Path) -> str:
    """Verify, decode, hash and thumbnail; write both files, the picture on disk with its name; return the hash."""
    from imagegen_kit.imaging.decode import open_sound
    from imagegen_kit.imaging.thumbnail import thumbnail

    image = open_sound(data)
    digest = hashlib.sha256(data).hexdigest()
    small = thumbnail(image)
    target = root / "pictures" / digest[:2] / f"{digest}.png"
    _write(target, data)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    _write(root / "thumbnails" / digest[:2] / f"{digest}.webp", small, durable=False)
    return digest


def _write(target: Path, data: bytes, *, durable: bool = True) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".writing")
    with temporary.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(target)


class Rows:
    """One SQLite file, one durable row a picture, written by one thread."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, prompt TEXT, sha256 TEXT, seconds REAL)")

    def add(self, number: int, prompt: str, digest: str, seconds: float) -> None:
        """Write a row; it is on disk when this returns."""
        self._db.execute("INSERT INTO kept VALUES (?, ?, ?, ?)", (number, prompt, digest, seconds))

    def count(self) -> int:
        """Return how many rows there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM kept").fetchone()[0])


def sweep(kind: str, cells: int, latency_s: float, concurrency: int) -> dict[str, Any]:
    """Run the sweep by hand in this process and return what it took."""
    files = stored(kind)
    root, lags = Path.cwd(), list[float]()
    source, rows = Source(files), Rows(root / "kept.sqlite")
    slots, waiting = asyncio.Semaphore(concurrency), asyncio.Semaphore(2 * (os.cpu_count() or 2) + 4)

    async def one(number: int, threads: ThreadPoolExecutor, writer: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        async with slots:
            started = time.monotonic()
            await asyncio.sleep(latency_s)
            data = source.next()
            seconds = time.monotonic() - started
            await waiting.acquire()  # no more pictures in memory than the threads can soon put away
        try:
            digest = await loop.run_in_executor(threads, keep, data, root)
        finally:
            waiting.release()
        await loop.run_in_executor(writer, rows.add, number, f"prompt {number}", digest, seconds)

    async def everything() -> None:
        ticker = asyncio.create_task(tick(lags))
        with ThreadPoolExecutor(os.cpu_count()) as threads, ThreadPoolExecutor(1) as writer:
            async with asyncio.TaskGroup() as group:
                for number in range(cells):
                    group.create_task(one(number, threads, writer))
        ticker.cancel()

    keep(source.next(), root)  # imports and Pillow's own first-use work, which the engine has behind it too
    source.calls = 0
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(everything())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert rows.count() == cells
    return {
        "wall": wall, "cpu": cpu, "lag_p99": percentile(lags, 0.99), "lag_max": max(lags), "rss": peak_rss_mb(),
    }  # fmt: skip
