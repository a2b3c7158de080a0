"""The journal: one SQLite file, one writer thread a process, group commit.

Calls that wait together share one transaction, so that durability costs one disk flush for many cells. Reads go through
a connection of their own for each thread and never wait for the writer (WAL).
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import StoreError
from imagegen_kit.store.faults import OF_THE_FILE, READ_ONLY, code_of, in_words
from imagegen_kit.store.opening import ReadOnly, open_to_write, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

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
    """Open (or make) the journal at ``path``. Raises StoreError where it cannot be opened or has another version.

    Where nothing can be written it is opened for reading, and each write is told why it fails; a write finds out by
    itself when it has become possible. ``patience_s``: seconds that another process may hold the file.
    """

    def __init__(self, path: Path, patience_s: float = LOCK_PATIENCE_S) -> None:
        self.path, self._patience_s = path, patience_s
        self._local = threading.local()
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._failure: StoreError | None = None
        self._ids: tuple[int, int] = (0, 0)
        self._id_lock = threading.Lock()
        self._readers: list[tuple[sqlite3.Connection, threading.Lock]] = []
        self._connection: sqlite3.Connection | None = None  # of the writer; None: it is opened at the next write
        self._read_only: ReadOnly | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = open_to_write(path, patience_s)
        except (sqlite3.Error, OSError) as error:
            self._read_only = self._opened_to_read(error)
        self._thread: threading.Thread | None = None  # started by the first write: opening costs no more than reading
        self._start_lock, self._close_lock = threading.Lock(), threading.Lock()

    def _opened_to_read(self, error: BaseException) -> ReadOnly:
        try:
            if code_of(error) in READ_ONLY | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR} and self.path.is_file():
                return ReadOnly(self.path)
        except (sqlite3.Error, OSError):
            pass  # what went wrong first says more
        raise in_words(error, self.path, "opened", self._patience_s)

    @property
    def read_only(self) -> bool:
        """Whether nothing could be written when it was opened."""
        return self._read_only is not None

    # ------------------------------------------------------------------ writing
    def _put(self, work: _Work) -> None:
        with self._start_lock:
            self._queue.put(work)
            self._start()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_loop, name="imagegen-journal", daemon=True)
            self._thread.start()

    def write(self, statements: Sequence[Statement]) -> Future[None]:
        """Write in one transaction; the future is done when it is committed and on disk."""
        future: Future[None] = Future()
        self._put((statements, None, future))
        return future

    def transact(self, function: Callable[[sqlite3.Connection], Any], inserts: Sequence[Statement] = ()) -> Future[Any]:
        """Run ``function(connection)`` after ``inserts`` in one write transaction; the future holds its answer."""
        future: Future[Any] = Future()
        self._put((inserts, function, future))
        return future

    def append(self, statements: Sequence[Statement]) -> None:
        """Write soon, without waiting: for rows that can be made again. ``flush`` waits and raises what went wrong."""
        if self._failure is not None:
            raise self._failure
        self._put((statements, None, None))

    def flush(self) -> Future[None]:
        """Return a future that is done when everything written so far is committed, or holds what went wrong."""
        future: Future[None] = Future()
        if self._thread is None:  # nothing was written yet
            future.set_result(None)
        else:
            self._put(((), _flush, future))
        return future

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
        self._write([work for work in batch if work[1] is not _flush])
        for _, function, future in batch:
            if function is _flush and future is not None:
                failure, self._failure = self._failure, None
                future.set_result(None) if failure is None else future.set_exception(failure)

    def _write(self, batch: list[_Work]) -> None:
        if not batch:
            return  # to wait is no reason to lock the file, which may not even be writable
        try:
            answers = self._run(batch)
        except BaseException as error:  # the waiting callers get it
            self._roll_back(error)
            if len(batch) > 1 and not (isinstance(error, StoreError | OSError) or code_of(error) in OF_THE_FILE):
                for work in batch:  # one bad write must not take its neighbours with it
                    self._write([work])
                return
            for _, _, future in batch:
                self._fail(future, error)
            return
        for (_, _, future), answer in zip(batch, answers, strict=True):
            if future is not None:
                future.set_result(answer)

    def _roll_back(self, error: BaseException) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        if code_of(error) in READ_ONLY:  # a connection that could not write never can, even where its file can be
            self._connection.close()
            self._connection = None

    def _begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_to_write(self.path, self._patience_s)
            self._read_only = None
        patiently(self._connection, "BEGIN IMMEDIATE", self._patience_s)
        return self._connection

    def _run(self, batch: list[_Work]) -> list[Any]:
        inserts: dict[str, list[Sequence[Any]]] = {}
        later: list[Statement] = []
        for statements, _, _ in batch:
            for sql, values in statements:
                if sql.startswith("INSERT"):  # inserts never depend on updates, so they go first, each kind at once
                    inserts.setdefault(sql, []).append(values)
                else:
                    later.append((sql, values))
        connection = self._begin()
        for sql, rows in inserts.items():
            _insert(connection, sql, rows)
        answers = [None if function is None else function(connection) for _, function, _ in batch]
        for sql, values in later:
            connection.execute(sql, values)
        connection.execute("COMMIT")
        return answers

    def _fail(self, future: Future[Any] | None, error: BaseException) -> None:
        failure = error
        if isinstance(error, sqlite3.Error | OSError):
            failure = in_words(error, self.path, "written", self._patience_s)
        if future is not None:
            future.set_exception(failure)
        else:
            self._failure = failure if isinstance(failure, StoreError) else StoreError(str(failure))

    # ------------------------------------------------------------------ reading
    def reader(self) -> sqlite3.Connection:
        """Return this thread's read-only connection, for many rows at once; ``close`` waits only for ``read``."""
        return self._reader()[0]

    def _reader(self) -> tuple[sqlite3.Connection, threading.Lock]:
        local = self._local
        connection: sqlite3.Connection | None = getattr(local, "connection", None)
        if connection is None or local.of is not self._read_only:
            if self._read_only is not None:
                connection = self._read_only.connect()
            else:
                connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
                connection.execute("PRAGMA query_only=ON")
            local.connection, local.of, local.lock = connection, self._read_only, threading.Lock()
            self._readers.append((connection, local.lock))
        return connection, local.lock

    def read(self, sql: str, values: Iterable[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; ``values`` by place or name. Raises StoreError where it cannot be read."""
        values = values if isinstance(values, dict) else tuple(values)
        try:
            try:
                return self._fetch(sql, values)
            except sqlite3.ProgrammingError:  # closed since this thread asked for it: one that is used again is opened
                return self._fetch(sql, values)
        except sqlite3.Error as error:
            raise in_words(error, self.path, "read", 5.0) from error

    def _fetch(self, sql: str, values: tuple[Any, ...] | dict[str, Any]) -> list[tuple[Any, ...]]:
        connection, lock = self._reader()
        with lock:  # nobody closes it meanwhile: SQLite would read what is freed, and end the process
            return connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Commit what is waiting and close the file; a run of it that is used again opens it anew."""
        with self._close_lock:
            with self._start_lock:
                if (writer := self._thread) is not None:
                    self._queue.put(None)
            if writer is not None:
                writer.join()
            readers, self._readers, self._local = self._readers, [], threading.local()
            for reader, lock in readers:
                with lock:
                    reader.close()
            if self._read_only is not None:
                self._read_only.close()
            with self._start_lock:  # no other writer begins before the file of the last one is closed
                if self._thread is not writer:
                    return  # there was none, and one has begun since: the file is in its hands
                self._thread = None
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                if not self._queue.empty():  # asked for meanwhile: nobody is left waiting for ever
                    self._start()


def _flush(_connection: sqlite3.Connection) -> None:
    """Mark a work that only waits for those before it."""


def _insert(connection: sqlite3.Connection, sql: str, rows: list[Sequence[Any]]) -> None:
    # One statement for many rows: each step of SQLite lets go of Python's lock, and two busy threads that hand it
    # to and fro for every row cost several times what the rows themselves do (measured: 2 x on a cached run).
    whole = len(rows) - len(rows) % AT_ONCE
    if whole:
        head, _, places = sql.partition(" VALUES ")
        many = f"{head} VALUES {', '.join([places] * AT_ONCE)}"
        for i in range(0, whole, AT_ONCE):
            connection.execute(many, [value for row in rows[i : i + AT_ONCE] for value in row])
    if whole < len(rows):
        connection.executemany(sql, rows[whole:])


def _take_ids(connection: sqlite3.Connection) -> int:
    sql = "UPDATE sequences SET next = next + ? WHERE name = 'row' RETURNING next - ?"
    (start,) = connection.execute(sql, (ID_BLOCK, ID_BLOCK)).fetchone()
    return int(start)
