"""One process at a time runs one experiment in one store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from filelock import BaseFileLock

_held: dict[Path, tuple[BaseFileLock, int]] = {}  # by this process, and how many times
_guard = threading.Lock()


def hold(path: Path, what: str) -> Callable[[], None]:
    """Hold the lock file ``path`` for this process and return what releases it.

    The system lets go of it when the process ends, however it ends. Raises StoreError where another process holds it.
    """
    from filelock import FileLock, Timeout

    with _guard:
        lock, count = _held.get(path, (None, 0))
        if lock is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path, thread_local=False)  # taken in one thread, released in another
                lock.acquire(timeout=0)
            except Timeout:
                raise StoreError(
                    f"another process is running {what} in this store. Wait for it, then run it again: it goes on with "
                    "what is missing. To run both at once, give one of them another name."
                ) from None
            except OSError as error:
                raise StoreError(f"the lock {path} could not be made: {error.strerror}") from error
        _held[path] = (lock, count + 1)

    def release() -> None:
        with _guard:
            lock, count = _held[path]
            if count > 1:
                _held[path] = (lock, count - 1)
            else:
                del _held[path]
                lock.release()

    return release
