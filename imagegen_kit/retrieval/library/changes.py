"""``Change``: one write transaction on the rows of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.retrieval.library.rows import EMPTY_STATE, INSERT, Row, moved_state

if TYPE_CHECKING:
    import sqlite3


class Change:
    """One write transaction: rows in, rows out, and the state that follows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._gone: list[Row] = []
        self._come: list[Row] = []

    def insert(self, row: Row) -> None:
        """Add a picture."""
        self.connection.execute(INSERT, row.values())
        self._tag(row)
        self._come.append(row)

    def replace(self, old: Row, new: Row) -> None:
        """Change what is said of a picture; its number stays."""
        self.connection.execute("DELETE FROM items WHERE number = ?", (old.number,))
        self.connection.execute("DELETE FROM tags WHERE number = ?", (old.number,))
        self._gone.append(old)
        self.insert(new)

    def remove(self, row: Row) -> None:
        """Mark a picture as removed; its number is never used again."""
        self.connection.execute("UPDATE items SET removed = 1 WHERE number = ?", (row.number,))
        self.connection.execute("DELETE FROM tags WHERE number = ?", (row.number,))
        self._gone.append(row)

    def keep(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name``."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def count(self) -> None:
        """Move state and generation on; the last step of each transaction."""
        kept = dict(self.connection.execute("SELECT name, value FROM meta").fetchall())
        if self._gone or self._come:
            self.keep("state", moved_state(kept.get("state", EMPTY_STATE), self._gone, self._come))
        self.keep("generation", str(int(kept.get("generation", "0")) + 1))

    def _tag(self, row: Row) -> None:
        pairs = [(tag, row.number) for tag in row.tags]
        self.connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", pairs)
