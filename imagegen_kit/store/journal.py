"""The journal: one SQLite file, one writer thread a process, group commit.

Calls that wait together share one transaction, so that durability costs one disk flush for many cells. Reads go through
a connection of their own for each thread and never wait for the writer (WAL).
"""

from __future__ import annotations

import contextlib
import queue
import random
import secrets
import sqlite3
import threading
import time
from concurrent.futures import Future
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

SCHEMA_VERSION = "3"
_RENEW = {  # from an older version to the next
    "1": ("ALTER TABLE results ADD COLUMN prices TEXT", "ALTER TABLE results ADD COLUMN origin TEXT"),
    "2": (
        "ALTER TABLE attempts ADD COLUMN key_id TEXT",
        "ALTER TABLE ledger ADD COLUMN key_id TEXT",
        "ALTER TABLE artifacts ADD COLUMN damaged_at TEXT",
        *(f"DROP TABLE {name}" for name in ("uploads", "limits", "leases")),  # nothing was ever written there
        *(f"DROP INDEX IF EXISTS ledger_{name}" for name in ("run", "day", "session")),
    ),
}
LOCK_PATIENCE_S = 30.0  # how long another process may hold the file before this one gives up
BATCH = 512  # statements groups in one transaction; beyond that a flush is cheap compared with the rows
ID_BLOCK = 10_000
AT_ONCE = 32  # rows in one INSERT
LINGER_S = 0.001  # adds to the latency of a write that somebody waits for
PATIENCE_S = 0.05  # rows that nobody waits for: so long they wait for a flush that somebody needs

Statement = tuple[str, "Sequence[Any]"]
# Statements, a function to run after them, and who waits for its answer.
_Work = tuple["Sequence[Statement]", "Callable[[sqlite3.Connection], Any] | None", "Future[Any] | None"]


class Journal:
    """Open (or make) the journal at ``path``. Raises StoreError where it cannot be opened or has another version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._failure: StoreError | None = None
        self._ids: tuple[int, int] = (0, 0)
        self._id_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the journal {path} cannot be opened: {error}. "
                "Choose a folder that can be written: configure(store=…), or the variable IMAGEGEN_STORE."
            ) from error
        self._thread = threading.Thread(target=self._write_loop, name="imagegen-journal", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        _patiently(connection, "PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        self._begin()  # two processes may make the file at once: the second finds it made
        try:
            self._make_or_check()
        except BaseException:
            self._connection.close()  # which rolls back: a file of another version stays as it was
            raise

    def _make_or_check(self) -> None:
        renewed = False
        if self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            (version,) = self._connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
            while version in _RENEW:
                renewed = True
                for statement in _RENEW[version]:
                    self._connection.execute(statement)
                version = str(int(version) + 1)
                self._connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (version,))
            if version != SCHEMA_VERSION:
                raise StoreError(
                    f"the journal {self.path} has version {version}, this imagegen_kit reads {SCHEMA_VERSION}. "
                    "Use the version that wrote it, or another folder: configure(store=…)."
                )
        schema = files("imagegen_kit.store").joinpath("schema.sql").read_text(encoding="utf-8")
        statement = ""
        for part in schema.split(";\n"):
            statement += part + ";\n"
            if sqlite3.complete_statement(statement):  # a trigger holds statements of its own
                self._connection.execute(statement)
                statement = ""
        if renewed:  # each row goes through the trigger that adds it up
            self._connection.execute("DELETE FROM spending")
            self._connection.execute("CREATE TEMP TABLE before AS SELECT * FROM ledger")
            self._connection.execute("DELETE FROM ledger")
            self._connection.execute("INSERT INTO ledger SELECT * FROM before")
            self._connection.execute("DROP TABLE before")
        self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
        self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('salt', ?)", (secrets.token_hex(16),))
        self._connection.execute("INSERT OR IGNORE INTO sequences VALUES ('row', 1)")
        self._connection.execute("COMMIT")

    def _begin(self) -> None:
        _patiently(self._connection, "BEGIN IMMEDIATE")

    # ------------------------------------------------------------------ writing
    def write(self, statements: Sequence[Statement]) -> Future[None]:
        """Write in one transaction; the future is done when it is committed and on disk."""
        future: Future[None] = Future()
        self._queue.put((statements, None, future))
        return future

    def transact(self, function: Callable[[sqlite3.Connection], Any], inserts: Sequence[Statement] = ()) -> Future[Any]:
        """Run ``function(connection)`` after ``inserts`` in one write transaction; the future holds its answer."""
        future: Future[Any] = Future()
        self._queue.put((inserts, function, future))
        return future

    def append(self, statements: Sequence[Statement]) -> None:
        """Write soon, without waiting: for rows that can be made again. ``flush`` waits and raises what went wrong."""
        if self._failure is not None:
            raise self._failure
        self._queue.put((statements, None, None))

    def flush(self) -> Future[None]:
        """Return a future that is done when everything written so far is committed, or holds what went wrong."""
        return self.transact(self._raise_failure)

    def _raise_failure(self, _connection: sqlite3.Connection) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def new_id(self) -> int:
        """Return a row id that no other process has."""
        with self._id_lock:
            start, stop = self._ids
            if start >= stop:
                start = self.transact(_take_ids).result()
                stop = start + ID_BLOCK
            self._ids = (start + 1, stop)
            return start

    def _write_loop(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            batch, stop = [work], False
            until = time.monotonic() + PATIENCE_S
            while not stop and len(batch) < BATCH:
                time.sleep(LINGER_S)  # let more come, so that one transaction, and one flush of the disk, serves all
                stop = self._take(batch)
                if any(future is not None for _, _, future in batch) or time.monotonic() > until:
                    break
            # Whoever waits may have left: what has not begun is dropped, what has begun cannot be called back.
            begun = [w for w in batch if w[2] is None or w[2].set_running_or_notify_cancel()]
            if begun:
                self._commit(begun)
            if stop:
                return

    def _take(self, batch: list[_Work]) -> bool:
        """Add what has come to ``batch``; return whether the journal is to be closed after it."""
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH:
                more = self._queue.get_nowait()
                if more is None:
                    return True
                batch.append(more)
        return False

    def _commit(self, batch: list[_Work]) -> None:
        try:
            answers = self._run(batch)
        except BaseException as error:  # the waiting callers get it
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            if len(batch) > 1:  # one bad write must not take its neighbours with it
                for work in batch:
                    self._commit([work])
                return
            self._fail(batch[0][2], error)
            return
        for (_, _, future), answer in zip(batch, answers, strict=True):
            if future is not None:
                future.set_result(answer)

    def _run(self, batch: list[_Work]) -> list[Any]:
        inserts: dict[str, list[Sequence[Any]]] = {}
        later: list[Statement] = []
        for statements, _, _ in batch:
            for sql, values in statements:
                if sql.startswith("INSERT"):  # inserts never depend on updates, so they go first, each kind at once
                    inserts.setdefault(sql, []).append(values)
                else:
                    later.append((sql, values))
        self._begin()
        for sql, rows in inserts.items():
            self._insert(sql, rows)
        answers = [None if function is None else function(self._connection) for _, function, _ in batch]
        for sql, values in later:
            self._connection.execute(sql, values)
        self._connection.execute("COMMIT")
        return answers

    def _insert(self, sql: str, rows: list[Sequence[Any]]) -> None:
        # One statement for many rows: each step of SQLite lets go of Python's lock, and two busy threads that hand it
        # to and fro for every row cost several times what the rows themselves do (measured: 2 x on a cached run).
        whole = len(rows) - len(rows) % AT_ONCE
        if whole:
            head, _, places = sql.partition(" VALUES ")
            many = f"{head} VALUES {', '.join([places] * AT_ONCE)}"
            for i in range(0, whole, AT_ONCE):
                self._connection.execute(many, [value for row in rows[i : i + AT_ONCE] for value in row])
        if whole < len(rows):
            self._connection.executemany(sql, rows[whole:])

    def _fail(self, future: Future[Any] | None, error: BaseException) -> None:
        failure: BaseException = error
        if isinstance(error, sqlite3.Error):
            failure = StoreError(f"the journal {self.path} could not be written: {error}")
            failure.__cause__ = error
        if future is not None:
            future.set_exception(failure)
        else:
            self._failure = failure if isinstance(failure, StoreError) else StoreError(str(failure))

    # ------------------------------------------------------------------ reading
    def reader(self) -> sqlite3.Connection:
        """Return this thread's read-only connection (for pandas, or many rows at once)."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def read(self, sql: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises StoreError where the file cannot be read."""
        try:
            return self.reader().execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the journal {self.path} could not be read: {error}") from error

    def close(self) -> None:
        """Commit what is waiting and close the file."""
        self._queue.put(None)
        self._thread.join()
        for connection in (self._connection, *self._readers):
            connection.close()


def _patiently(connection: sqlite3.Connection, sql: str) -> None:
    """Execute ``sql``, waiting for other processes to let go of the file.

    SQLite's own busy handler sleeps unfairly (one writer can starve for seconds); short random waits do not.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            connection.execute(sql)
            return
        except sqlite3.OperationalError as error:
            locked = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not locked or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.0005, 0.003))  # noqa: S311  # no secret hangs on it


def _take_ids(connection: sqlite3.Connection) -> int:
    sql = "UPDATE sequences SET next = next + ? WHERE name = 'row' RETURNING next - ?"
    (start,) = connection.execute(sql, (ID_BLOCK, ID_BLOCK)).fetchone()
    return int(start)
