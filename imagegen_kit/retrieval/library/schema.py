"""The tables of a library and the one file that holds them: opened, made, or why it cannot be used, in words."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from imagegen_kit.errors import CorruptArtifact, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = 1
FILE: Final = "library.sqlite3"
PATIENCE_S: Final = 30.0  # that a writer waits for another
READ_PATIENCE_S: Final = 5.0  # readers wait only for programs that lock the whole file
_ODD = ("Could not decode", "no such column", "no such table", "malformed")
# What reading a value raises that is not what was written.
DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
# AUTOINCREMENT: a number is never used again. ``removed``: 0 no, 1 yes, 2 yes and gone from all vectors.
TABLES: Final[Sequence[str]] = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS items (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL,
        format TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, role TEXT NOT NULL, name TEXT,
        caption TEXT, description TEXT, tags TEXT NOT NULL, variations TEXT NOT NULL, licence TEXT, meta TEXT NOT NULL,
        size_bytes INTEGER NOT NULL, dhash INTEGER NOT NULL, phash INTEGER NOT NULL,
        added_at TEXT NOT NULL, changed_at TEXT NOT NULL, removed INTEGER NOT NULL DEFAULT 0)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS items_id ON items (id) WHERE removed = 0",
    "CREATE UNIQUE INDEX IF NOT EXISTS items_sha256 ON items (sha256) WHERE removed = 0",
    "CREATE INDEX IF NOT EXISTS items_path ON items (path) WHERE removed = 0",
    "CREATE INDEX IF NOT EXISTS items_name ON items (name) WHERE removed = 0",
    "CREATE INDEX IF NOT EXISTS items_removed ON items (removed) WHERE removed > 0",
    "CREATE TABLE IF NOT EXISTS tags (tag TEXT, number INTEGER, PRIMARY KEY (tag, number)) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS embedders (
        fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER NOT NULL, ann TEXT) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS segments (
        fingerprint TEXT, number INTEGER, record TEXT NOT NULL, PRIMARY KEY (fingerprint, number)) WITHOUT ROWID""",
)


def open_to_read(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Return a connection that only reads; ``writable`` False: neither the file nor its folder can be written.

    Raises StoreError where it is damaged, cut, or of a newer format.
    """
    address = f"file:{quote(str(path.absolute()))}?mode={'rw' if writable else 'ro'}"
    try:
        try:
            connection = _checked(address, path)
        except sqlite3.OperationalError:
            if writable:
                raise
            # A file in WAL mode in a folder that cannot be written: all that was put into the main file is read.
            connection = _checked(address + "&immutable=1", path)
    except sqlite3.Error as error:
        raise in_words(error, path, "opened") from error
    connection.execute("PRAGMA query_only=ON")
    return connection


def _checked(address: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=READ_PATIENCE_S
    )
    try:
        _check_format(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN")  # both are read of one state: another process may be making the tables right now
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if version > FORMAT:
        raise StoreError(
            f"the library {path} has format {version}; this imagegen_kit reads up to {FORMAT}. Use the version that "
            "wrote it, or a newer one."
        )
    if version == 0 and tables:
        raise StoreError(f"{path} is a database of something else. Move it away, or choose another folder.")


def open_to_write(path: Path) -> sqlite3.Connection:
    """Return a connection that writes, every commit on disk; file and tables are made where they are missing.

    Raises StoreError where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE_S)
        try:
            _check_format(connection, path)
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={FORMAT}")
                connection.execute("COMMIT")
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise in_words(error, path, "written") from error
    return connection


def damaged(path: Path, what: str) -> CorruptArtifact:
    """Return the error for a database that SQLite reads, and that does not hold what was written."""
    return CorruptArtifact(
        f"the library {path} is damaged: {what}: a byte was changed outside of this toolkit. Put a copy of it back; "
        "lib.verify() says what is wrong, and lib.verify(repair=True) makes anew what can be made from the pictures."
    )


def check_gone(path: Path) -> None:
    """Raise StoreError where there is no database although a manifest beside it names pictures."""
    try:
        told = json.loads(path.with_name("manifest.json").read_bytes())["pictures"]
    except FileNotFoundError:
        return
    except (OSError, *DAMAGE):
        told = "its"
    if told:
        count = f"{told:,}" if isinstance(told, int) else "its"
        raise StoreError(
            f"the library {path.parent} has lost its database: {path.name} is not there, and manifest.json names "
            f"{count} picture{'' if told == 1 else 's'}. Put {path.name} back from a backup; or delete manifest.json "
            "and the folder vectors to start anew: library.jsonl, where there is one, is read then, and pictures can "
            "be added again."
        )


def in_words(error: BaseException, path: Path, done: str) -> StoreError:
    """Return ``error`` as a StoreError: the library could not be ``done`` (opened, read, written), why, what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    code = None if code is None else int(code) & 0xFF
    if code in _BUSY:
        why, todo = "another program keeps it locked", "Wait for that program, or end it, and do this again."
    elif code in _DAMAGED or str(error).startswith(
        ("Could not decode", "no such column", "no such table", "malformed")
    ):
        why = f"the file is damaged ({error})"
        todo = (
            "Put a copy back; or move it and manifest.json away and open the folder again: library.jsonl, where there "
            "is one, is read then, and pictures can be added again."
        )
    elif code == sqlite3.SQLITE_FULL:
        why, todo = "the disk is full", "Make room and do this again; nothing of it is half-written."
    elif code in _READ_ONLY or isinstance(error, PermissionError):
        why = f"the file or its folder cannot be written ({error})"
        todo = "Allow writing there, or copy the folder to a place of your own and open that."
    elif code == sqlite3.SQLITE_IOERR:
        why = f"the disk refused it ({error}): it may be full, or gone"
        todo = "Make room or mend the disk and do this again."
    else:
        why, todo = str(error), "Look at the folder, and do this again."
    return StoreError(f"the library {path} could not be {done}: {why}. {todo}")
