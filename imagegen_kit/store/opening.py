"""Opening the journal's file: made, renewed, or, where nothing can be written, only read."""

from __future__ import annotations

import contextlib
import random
import secrets
import shutil
import sqlite3
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import quote

from imagegen_kit.errors import StoreError
from imagegen_kit.store.faults import BUSY, code_of

SCHEMA_VERSION: Final = "6"
_RENEW: Final[dict[str, tuple[str, ...]]] = {  # from an older version to the next
    "1": ("ALTER TABLE results ADD COLUMN prices TEXT", "ALTER TABLE results ADD COLUMN origin TEXT"),
    "2": (
        "ALTER TABLE attempts ADD COLUMN key_id TEXT",
        "ALTER TABLE ledger ADD COLUMN key_id TEXT",
        "ALTER TABLE artifacts ADD COLUMN damaged_at TEXT",
        *(f"DROP TABLE {name}" for name in ("uploads", "limits", "leases")),  # nothing was ever written there
        *(f"DROP INDEX IF EXISTS ledger_{name}" for name in ("run", "day", "session")),
    ),
    "3": (),  # retrievals are a table of their own
    "4": ("ALTER TABLE votes ADD COLUMN blind INTEGER NOT NULL DEFAULT 1",),
    "5": ("ALTER TABLE scores ADD COLUMN feature TEXT", "ALTER TABLE scores ADD COLUMN details TEXT"),
}
_VERSION = "SELECT value FROM meta WHERE name = 'schema'"


def open_to_write(path: Path, patience_s: float) -> sqlite3.Connection:
    """Return a connection to the journal, made or brought up to date where it has to be.

    One that is up to date is not written to. Raises sqlite3.Error or OSError where it cannot be used.
    """
    was_there, pictures = path.is_file(), path.parent / "pictures"
    emptied = was_there and pictures.is_dir()  # if it has no tables, it was cut
    if emptied and path.stat().st_size == 0:
        raise _cut(path)  # before SQLite writes a header into it
    # No busy handler: SQLite's own sleeps unfairly (one writer can starve for seconds); short random waits do not.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)
    try:
        patiently(connection, "PRAGMA journal_mode=WAL", patience_s)
        connection.execute("PRAGMA synchronous=FULL")
        if version_of(connection, patience_s) != SCHEMA_VERSION:
            patiently(connection, "BEGIN IMMEDIATE", patience_s)  # two processes may make it at once: one finds it made
            _make_or_renew(connection, path, emptied)
    except BaseException:
        connection.close()  # which rolls back: a file of another version stays as it was
        raise
    return connection


def version_of(connection: sqlite3.Connection, patience_s: float) -> str | None:
    """Return the version of the journal's tables; None where there are none yet."""
    try:
        rows = patiently(connection, _VERSION, patience_s).fetchall()
    except sqlite3.OperationalError as error:
        if code_of(error) != sqlite3.SQLITE_ERROR:  # not "no such table"
            raise
        return None
    return str(rows[0][0]) if rows else None


def check_version(version: str | None, path: Path) -> None:
    """Raise StoreError where the journal at ``path`` has another version than the one that is read here."""
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the journal {path} has version {version}, this imagegen_kit reads {SCHEMA_VERSION}. "
            "Use the version that wrote it, or another folder: configure(store=…)."
        )


def _cut(path: Path) -> StoreError:
    return StoreError(
        f"the journal {path} is an empty file beside stored pictures: it was cut. Put a copy back (with the file that "
        "ends in -wal, if there is one), or delete it: a new one is made then, and `imagegen doctor --repair` takes up "
        "the pictures."
    )


def _make_or_renew(connection: sqlite3.Connection, path: Path, emptied: bool) -> None:
    version = version_of(connection, 0.0)
    if version is None and emptied:
        raise _cut(path)
    renewed = version in _RENEW
    while version in _RENEW:
        for statement in _RENEW[version]:
            connection.execute(statement)
        version = str(int(version) + 1)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (version,))
    if version is not None:
        check_version(version, path)
    schema = files("imagegen_kit.store").joinpath("schema.sql").read_text(encoding="utf-8")
    statement = ""
    for part in schema.split(";\n"):
        statement += part + ";\n"
        if sqlite3.complete_statement(statement):  # a trigger holds statements of its own
            connection.execute(statement)
            statement = ""
    if renewed:  # each row goes through the trigger that adds it up
        connection.execute("DELETE FROM spending")
        connection.execute("CREATE TEMP TABLE before AS SELECT * FROM ledger")
        connection.execute("DELETE FROM ledger")
        connection.execute("INSERT INTO ledger SELECT * FROM before")
        connection.execute("DROP TABLE before")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('salt', ?)", (secrets.token_hex(16),))
    connection.execute("INSERT OR IGNORE INTO sequences VALUES ('row', 1)")
    connection.execute("COMMIT")


class ReadOnly:
    """A journal where nothing can be written: on a read-only disk, in somebody else's folder, on a full disk.

    What another process has committed and not yet put into the main file (``-wal``) is read too; where SQLite cannot do
    that in place, from a copy. Raises sqlite3.Error, OSError or StoreError where it cannot be read either.
    """

    def __init__(self, path: Path) -> None:
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._address = f"{_address(path)}?mode=ro"
        if not _readable(self._address):
            wal = path.with_name(path.name + "-wal")
            if wal.exists() and wal.stat().st_size:
                self._copy = tempfile.TemporaryDirectory(prefix="imagegen-journal-")
                for file in (path, wal):
                    shutil.copy(file, self._copy.name)
                self._address = f"{_address(Path(self._copy.name) / path.name)}?mode=rw"
            else:
                self._address = f"{_address(path)}?immutable=1"
        with contextlib.closing(self.connect()) as connection:
            check_version(version_of(connection, 1.0), path)

    def connect(self) -> sqlite3.Connection:
        """Return a connection that can only read."""
        connection = sqlite3.connect(
            self._address, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

    def close(self) -> None:
        """Delete the copy, where one was made."""
        if self._copy is not None:
            self._copy.cleanup()


def _address(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"


def _readable(address: str) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=1.0)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        return False
    return True


def patiently(connection: sqlite3.Connection, sql: str, patience_s: float) -> sqlite3.Cursor:
    """Execute ``sql``, waiting at most ``patience_s`` seconds for other processes to let go of the file."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return connection.execute(sql)
        except sqlite3.OperationalError as error:
            if code_of(error) not in BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.0005, 0.003))  # noqa: S311  # no secret hangs on it
