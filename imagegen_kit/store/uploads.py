"""Copying stored pictures to the object storage, in the background; every step is a row of the journal.

The picture is on this machine's disk before its copy is even planned, so no failure here loses or fails anything. One
process at a time sends for a store (a lock file that the system lets go of when a process is killed); it also sends
what others planned, and what a killed one left.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError, InvalidInput, ObjectStoreError, StoreError
from imagegen_kit.store.upload_rows import claim, move_upload, open_uploads, reclaim, state_of
from imagegen_kit.store.waiting import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagegen_kit.store import Store
    from imagegen_kit.store.blobs import Blobs
    from imagegen_kit.store.journal import Journal
    from imagegen_kit.store.remote import Remote
    from imagegen_kit.store.upload_rows import Upload

ATTEMPTS = 5  # of one picture, before the storage is left alone for a while
PAUSE_S = 60.0
AT_ONCE = 4
CLOSE_PATIENCE_S = 10.0
log = logging.getLogger(__name__)


class Uploads:
    """Sends the open rows of ``uploads`` to ``remote``: ``wake`` in the background, ``drain`` here and now.

    ``wait(seconds)`` waits between tries and returns True where waiting was cut short (the store closes); ``jitter()``
    spreads the waits (0 … 1). ``wait`` None waits for real.
    """

    def __init__(
        self,
        journal: Journal,
        blobs: Blobs,
        remote: Remote,
        *,
        attempts: int = ATTEMPTS,
        pause_s: float = PAUSE_S,
        wait: Callable[[float], bool] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.remote = remote
        self._journal, self._blobs, self._attempts, self._pause_s, self._jitter = (
            journal, blobs, attempts, pause_s, jitter,
        )  # fmt: skip
        self._closing = threading.Event()
        self._wait = wait or self._closing.wait
        self._deadline = float("inf")
        self._guard = threading.Lock()
        self._draining = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = self._warned = False
        self.under_way: set[int] = set()  # rows that somebody in this process is sending: the background leaves them

    # ------------------------------------------------------------------ in the background
    def wake(self) -> None:
        """Send what is open, soon and in the background; new rows that come meanwhile are sent too."""
        with self._guard:
            self._wanted = True
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="imagegen-uploads", daemon=True)
                self._thread.start()

    def wake_if_open(self) -> None:
        """Go on with what an earlier process left."""
        with contextlib.suppress(sqlite3.Error):  # a store that can only be read, or not at all
            if open_uploads(self._journal.reader(), self.remote.target):
                self.wake()

    def _run(self) -> None:
        trouble = False
        while True:
            with self._guard:
                if not self._wanted or (trouble and self._closing.is_set()):
                    self._thread = None
                    return
                self._wanted = False
            trouble = True
            with contextlib.suppress(ImagegenError):  # the journal itself: whoever writes into it says so
                trouble = not self._drain()[1]
            if trouble and not self._closing.wait(self._pause_s):
                self._wanted = True

    def close(self, patience_s: float = CLOSE_PATIENCE_S) -> None:
        """Finish what goes well, for at most ``patience_s``; the rest stays open and is sent at the next start."""
        self._deadline = time.monotonic() + patience_s
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(patience_s)

    # ------------------------------------------------------------------ here and now
    def drain(self) -> int:
        """Send everything that is open and return how many arrived; what fails stays, as a row with its error."""
        return self._drain()[0]

    def _drain(self) -> tuple[int, bool]:
        """Return how many rows arrived and whether the storage is well."""
        with self._draining, self._alone() as alone:
            if not alone:
                return 0, True
            target = self.remote.target
            self._journal.transact(lambda c: reclaim(c, target, set(self.under_way))).result()
            seen: set[int] = set()
            arrived: list[int] = []
            well = threading.Event()
            well.set()

            def work() -> None:
                with contextlib.suppress(ImagegenError):  # of the journal; the row stays as it is
                    while well.is_set() and time.monotonic() < self._deadline:
                        row = self._journal.transact(lambda c: claim(c, target, seen | self.under_way)).result()
                        if row is None:
                            return
                        seen.add(row.id)
                        self.under_way.add(row.id)
                        try:
                            self._send(row)
                            arrived.append(row.id)
                        except (ObjectStoreError, InvalidInput) as error:
                            well.clear()  # it would say the same of all the others
                            self._note(row, error)
                        except StoreError as error:  # this one's own file is gone or has rotted
                            self._note(row, error)
                        finally:
                            self.under_way.discard(row.id)

            workers = [threading.Thread(target=work, daemon=True, name=f"imagegen-upload-{i}") for i in range(AT_ONCE)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return len(arrived), well.is_set()

    def _send(self, row: Upload) -> None:
        data = self._blobs.read(row.sha256, row.format)
        for attempt in range(1, self._attempts + 1):
            try:
                self.send_once(row, data)
                return
            except ObjectStoreError as error:
                if not error.retryable or attempt == self._attempts:
                    raise
                if self._wait(backoff(attempt, None, self._jitter())):
                    raise
                self.fail(row, error)
                self.begin(row)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Hold the store's lock on sending, waiting for other processes as long as this store is open."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._blobs.root / "uploads.lock", thread_local=False)
        while True:
            try:
                lock.acquire(timeout=0.2)
                break
            except Timeout:
                if self._closing.is_set():
                    yield False
                    return
            except OSError as error:
                raise StoreError(f"{lock.lock_file} could not be made: {error.strerror}") from error
        try:
            yield True
        finally:
            lock.release()

    # ------------------------------------------------------------------ steps of one row, for job.upload too
    def begin(self, row: Upload) -> None:
        """Write down that ``row`` is being sent now."""

        def start(connection: sqlite3.Connection) -> None:
            if state_of(connection, row.id) != "running":
                move_upload(connection, row.id, "running")

        self._journal.transact(start).result()

    def send_once(self, row: Upload, data: bytes) -> None:
        """Send one begun row unless the object is there already; written down as done when it was verified."""
        if not self.remote.already(row.name, data):
            self.remote.put(row.name, data)

        def finish(connection: sqlite3.Connection) -> None:
            state = state_of(connection, row.id)
            if state != "done":  # another process may have taken this one for dead, and sent the same
                move_upload(connection, row.id, *(("done",) if state == "running" else ("running", "done")))

        self._journal.transact(finish).result()

    def fail(self, row: Upload, error: Exception) -> None:
        """Write down why ``row`` did not arrive."""

        def note(connection: sqlite3.Connection) -> None:
            if state_of(connection, row.id) == "running":
                move_upload(connection, row.id, "failed", error=str(error))

        self._journal.transact(note).result()

    def _note(self, row: Upload, error: Exception) -> None:
        self.fail(row, error)
        if not self._warned:
            self._warned = True
            log.warning(
                "pictures are not being copied to %s: %s They are safe on this machine; `imagegen uploads` lists them "
                "and tries again with --retry.", self.remote.target, error,
            )  # fmt: skip


def resume_uploads(store: Store) -> int:
    """Send what earlier processes left open, here and now; return how many pictures arrived. Twice is once.

    What fails stays a row with its error. Returns 0 where no object storage is set.
    """
    return store.uploads.drain() if store.uploads is not None else 0
