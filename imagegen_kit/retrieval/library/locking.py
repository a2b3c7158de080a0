"""One writer at a time: within a process by a lock in memory, between processes by a lock file."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.library.schema import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_guard = threading.Lock()
_locks: dict[Path, threading.RLock] = {}  # by lock file; the same thread may take one again
_held: dict[Path, int] = {}


@contextlib.contextmanager
def only_writer(home: Path, patience_s: float | None = None) -> Iterator[None]:
    """Be the only one, of all processes and threads, that changes the library at ``home`` while the block runs.

    The system lets go of it when the process ends, however it ends. Raises StoreError after ``patience_s`` seconds.
    """
    from filelock import FileLock, Timeout

    wait = PATIENCE_S if patience_s is None else patience_s
    path = home / "write.lock"
    with _guard:
        mine = _locks.setdefault(path, threading.RLock())
    if not mine.acquire(timeout=wait):
        raise _taken(home, wait)
    try:
        if _held.get(path):
            yield
            return
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire(timeout=wait)
        except Timeout:
            raise _taken(home, wait) from None
        except OSError as error:
            raise StoreError(
                f"the library {home} cannot be changed: {error.strerror or error}. Allow writing there, or copy it to "
                "a folder of your own."
            ) from error
        _held[path] = 1
        try:
            yield
        finally:
            _held[path] = 0
            lock.release()
    finally:
        mine.release()


def _taken(home: Path, wait: float) -> StoreError:
    return StoreError(
        f"another program is changing the library {home} and has not finished within {wait:g} s. Wait for it and do "
        "this again; reading and searching go on meanwhile."
    )
