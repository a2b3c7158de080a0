"""Durable rows by hand, as good as a few lines can be: one writer thread that commits whatever waits at once."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

LINGER_S = 0.001  # as the toolkit's journal: more rows then share a flush of the disk
TABLES = (
    "CREATE TABLE intents (number INTEGER PRIMARY KEY, prompt TEXT, usd REAL, job TEXT, at REAL)",
    "CREATE TABLE results (number INTEGER PRIMARY KEY, sha256 TEXT, usd REAL, seconds REAL, at REAL)",
)
INTENT = "INSERT INTO intents VALUES (?, ?, ?, NULL, ?)"
JOB = "UPDATE intents SET job = ? WHERE number = ?"
RESULT = "INSERT INTO results VALUES (?, ?, ?, ?, ?)"


class GroupedRows:
    """One SQLite file; ``await write(sql, values)`` returns when the row is on disk. Used with ``with``."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for sql in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *TABLES):
            self._db.execute(sql)
        self._waiting: queue.SimpleQueue[tuple[str, Sequence[Any], Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="rows")
        self.commits = 0

    async def write(self, sql: str, values: Sequence[Any]) -> None:
        """Write one row; it is on disk when this returns."""
        done: Future[None] = Future()
        self._waiting.put((sql, values, done))
        await asyncio.wrap_future(done)

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            time.sleep(LINGER_S)
            batch = [first]
            for _ in range(self._waiting.qsize()):
                if (more := self._waiting.get()) is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            self._db.execute("BEGIN IMMEDIATE")
            for sql, values, _ in batch:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
            self.commits += 1
            for _, _, done in batch:
                done.set_result(None)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
