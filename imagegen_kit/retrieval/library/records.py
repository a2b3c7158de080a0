"""``Records``: what a library knows, in SQLite. Reading never waits for a writer; one process at a time writes."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.library.changes import Change
from imagegen_kit.retrieval.library.rows import EMPTY_STATE, SELECT, Row
from imagegen_kit.retrieval.library.schema import DAMAGE, check_gone, damaged, in_words, open_to_read, open_to_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_AT_ONCE = 500  # numbers in one statement


class Records:
    """The database at ``path``, which need not exist yet. Used by several threads; one connection reads for all."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path, self.writable = path, writable
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._version = 0
        self._seen = -1
        self._stamp: tuple[int, int] | None = None

    # reading

    def _reader(self) -> sqlite3.Connection | None:
        """Return the connection that reads; None where nothing was written yet."""
        if self._connection is None:
            try:
                found = self.path.stat()
            except FileNotFoundError:
                check_gone(self.path)
                return None
            except OSError as error:
                raise in_words(error, self.path, "opened") from error
            connection = open_to_read(self.path, writable=self.writable)
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:  # a writer is at its very beginning
                connection.close()
                if self.path.with_name("manifest.json").exists():
                    raise StoreError(
                        f"the library {self.path} is empty although its manifest names pictures: it was cut. Put a "
                        "copy back; or move it and manifest.json away and open the folder again: library.jsonl, where "
                        "there is one, is read then."
                    )
                return None
            self._connection, self._stamp = connection, (found.st_dev, found.st_ino)
            self._version += 1
        return self._connection

    def version(self) -> int:
        """Return a number that is another one whenever something, here or in another process, has changed."""
        with self._guard:
            connection = self._reader()
            if connection is not None:
                try:
                    seen = connection.execute("PRAGMA data_version").fetchone()[0]
                except sqlite3.Error as error:
                    raise in_words(error, self.path, "read") from error
                if seen != self._seen:
                    self._seen = seen
                    self._version += 1
            return self._version

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query; none where nothing was written yet."""
        with self._guard:
            connection = self._reader()
            if connection is None:
                return []
            try:
                return connection.execute(sql, values).fetchall()
            except UnicodeDecodeError as error:
                raise damaged(self.path, "a text in it is not UTF-8") from error
            except sqlite3.Error as error:
                raise in_words(error, self.path, "read") from error

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Read at one moment: what others commit while the block runs is not seen in it. Raises StoreError."""
        with self._guard:
            connection = self._reader()
            if connection is None or connection.in_transaction:
                yield
                return
            try:
                connection.execute("BEGIN")
            except sqlite3.Error as error:
                raise in_words(error, self.path, "read") from error
            try:
                yield
            finally:
                connection.rollback()

    def row(self, line: Sequence[Any]) -> Row:
        """Return the row of one line of ``SELECT``. Raises CorruptArtifact where it is damaged."""
        try:
            return Row.read(line)
        except DAMAGE as error:
            raise damaged(self.path, f"the row of picture {line[0]!r} cannot be read") from error

    def rows(self, where: str = "removed = 0", values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows that the SQL condition ``where`` lets through, by number."""
        return [self.row(line) for line in self.read(f"{SELECT} WHERE {where} ORDER BY number", values)]

    def rows_of(self, numbers: Iterable[int]) -> dict[int, Row]:
        """Return rows by number, removed ones too; numbers that never were are left out."""
        wanted, found = list(numbers), {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            for line in self.read(f"{SELECT} WHERE number IN ({marks})", some):
                found[line[0]] = self.row(line)
        return found

    def one(self, where: str, value: Any) -> Row | None:
        """Return the row that is there for an id, a sha256 or a path; None where there is none."""
        lines = self.read(f"{SELECT} WHERE removed = 0 AND {where} = ? ORDER BY number LIMIT 1", (value,))
        return self.row(lines[0]) if lines else None

    def meta(self, name: str) -> str | None:
        """Return what is kept under ``name``."""
        lines = self.read("SELECT value FROM meta WHERE name = ?", (name,))
        return lines[0][0] if lines else None

    @property
    def state(self) -> str:
        """64 hex digits that change with every change of the rows."""
        return self.meta("state") or EMPTY_STATE

    @property
    def generation(self) -> int:
        """How many times something was written."""
        told = self.meta("generation") or "0"
        if not told.isdecimal():
            raise damaged(self.path, f"its generation is {told[:20]!r}")
        return int(told)

    def next_number(self) -> int:
        """Return the number that the next new picture gets; the writer alone may ask."""
        lines = self.read("SELECT seq FROM sqlite_sequence WHERE name = 'items'")
        return (int(lines[0][0]) if lines else 0) + 1

    # writing

    @contextlib.contextmanager
    def writing(self) -> Iterator[Change]:
        """Hand out one transaction; all of it is on disk when the block ends, or nothing of it."""
        if not self.writable:
            raise StoreError(
                f"the library {self.path.parent} cannot be changed: its folder cannot be written, or it ships with the "
                "toolkit. Copy it to a folder of your own: Library.open('mine').add(library)."
            )
        connection = open_to_write(self.path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            change = Change(connection)
            yield change
            change.count()
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise in_words(error, self.path, "written") from error
        finally:
            connection.close()  # what was not committed is rolled back

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self._seen = -1
