"""What went wrong with the journal's file, in words that say what to do."""

from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING, Final

from imagegen_kit.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
READ_ONLY: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# These lie with the file or its disk, not with one write: whoever else waits would only fail later.
OF_THE_FILE: Final = BUSY | READ_ONLY | DAMAGED | {sqlite3.SQLITE_IOERR}

_ELSEWHERE = "choose a folder that can be written: configure(store=…), or the variable IMAGEGEN_STORE."


def code_of(error: BaseException) -> int | None:
    """Return SQLite's primary result code, None where the error carries none."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def no_room(error: BaseException) -> bool:
    """Whether a write failed because the disk is full, or a quota or limit is reached: later it may succeed."""
    cause = error.__cause__
    full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    # SQLite calls it a disk error where the room for its own auxiliary files is missing.
    return full or (cause is not None and code_of(cause) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR))


def in_words(error: BaseException, path: Path, done: str, patience_s: float) -> StoreError:
    """Return ``error`` as a StoreError: that the journal could not be ``done`` (opened, read, written), why, what next.

    ``patience_s``: seconds that were waited for other processes.
    """
    code = code_of(error)
    start = f"the journal {path} could not be {done}"
    kept = " Nothing of this is half-written, and what was stored before is untouched." if done == "written" else ""
    if code in BUSY:
        why = f"another process has kept it locked for {patience_s:g} s"
        todo = "Wait for that process, or end it, and do this again."
    elif code == sqlite3.SQLITE_FULL:
        why = "the disk is full"
        todo = "Make room (`imagegen clean` says what could go) and do this again."
    elif code in DAMAGED:
        why = f"the file is damaged ({error})"
        todo = (
            "Put a copy back, or move it away: a new one is made then, and `imagegen doctor --repair` takes up the "
            "pictures, which lie in files of their own."
        )
        kept = ""
    elif code in READ_ONLY or isinstance(error, PermissionError):
        why = f"the file or its folder cannot be written ({error})"
        todo = f"Allow writing there, or {_ELSEWHERE}"
    elif code == sqlite3.SQLITE_IOERR:
        why = f"the disk refused it ({error}): it may be full, beyond a quota or a limit of file sizes, or gone"
        todo = f"Make room or mend the disk and do this again, or {_ELSEWHERE}"
    else:
        why, todo = str(error), f"If it stays so, {_ELSEWHERE}"
    failure = StoreError(f"{start}: {why}.{kept} {todo}")
    failure.__cause__ = error
    return failure
