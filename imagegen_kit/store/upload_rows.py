"""The ``uploads`` table: what is to be copied where, and how far that is. Rows move by ``UPLOAD_MOVES`` alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imagegen_kit.store.states import UPLOAD_MOVES, check_move

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

INSERT_UPLOAD = (
    "INSERT OR IGNORE INTO uploads (sha256, format, target, name, state, attempts, started_at) "
    "VALUES (?, ?, ?, ?, 'planned', 0, ?)"
)
_FIND = "SELECT id FROM uploads WHERE target = ? AND name = ? AND sha256 = ?"
LEFT = "the process that sent it ended before it was there"
_OPEN = (
    # An object's name may have been given to another picture since; what was asked for last is what shall lie there.
    "FROM uploads u WHERE u.target = ? AND u.state IN ('planned', 'failed') AND NOT EXISTS "
    "(SELECT 1 FROM uploads n WHERE n.target = u.target AND n.name = u.name AND n.id != u.id "
    "AND (n.started_at, n.id) > (u.started_at, u.id))"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One row: the picture ``sha256`` as the object ``name``."""

    id: int
    sha256: str
    format: str
    name: str


def now() -> str:
    """Return the time as the journal holds it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def move_upload(connection: sqlite3.Connection, id: int, *states: str, error: str | None = None) -> None:
    """Move a row through ``states``. Raises StoreError for a move that no rule allows; then nothing is changed."""
    (state,) = connection.execute("SELECT state FROM uploads WHERE id = ?", (id,)).fetchone()
    tries = 0
    for new in states:
        check_move(UPLOAD_MOVES, state, new)
        state, tries = new, tries + (new == "running")
    ended = now() if state in ("done", "failed") else None
    kept = "error" if state == "running" else "?1"  # while it is tried again, what went wrong the last time stays
    connection.execute(
        f"UPDATE uploads SET state = ?2, attempts = attempts + ?3, error = {kept}, finished_at = ?4 WHERE id = ?5",
        (error, state, tries, ended, id),
    )


def state_of(connection: sqlite3.Connection, id: int) -> str:
    """Return a row's state."""
    (state,) = connection.execute("SELECT state FROM uploads WHERE id = ?", (id,)).fetchone()
    return str(state)


def ask(connection: sqlite3.Connection, target: str, wanted: Sequence[tuple[str, str, str]]) -> list[Upload]:
    """Write down that each (sha256, format, name) shall lie at ``target``, and return the rows in order.

    A row that is there already is asked for anew, whatever became of it.
    """
    at, rows = now(), []
    for sha256, format, name in wanted:
        connection.execute(INSERT_UPLOAD, (sha256, format, target, name, at))
        (id,) = connection.execute(_FIND, (target, name, sha256)).fetchone()
        connection.execute("UPDATE uploads SET started_at = ? WHERE id = ?", (at, id))
        rows.append(Upload(id, sha256, format, name))
    return rows


def reclaim(connection: sqlite3.Connection, target: str, mine: Collection[int]) -> None:
    """Mark what other processes left running as failed, so that it is sent again; ``mine`` are under way here."""
    sql = "SELECT id FROM uploads WHERE target = ? AND state = 'running'"
    for (id,) in connection.execute(sql, (target,)).fetchall():
        if id not in mine:
            move_upload(connection, id, "failed", error=LEFT)


def claim(connection: sqlite3.Connection, target: str, seen: Collection[int]) -> Upload | None:
    """Take the next row that is to be sent and was not ``seen``; None where there is none."""
    sql = f"SELECT u.id, u.sha256, u.format, u.name {_OPEN} ORDER BY u.state = 'failed', u.id"
    for row in connection.execute(sql, (target,)):
        if row[0] not in seen:
            move_upload(connection, row[0], "running")
            return Upload(*row)
    return None


def open_uploads(connection: Any, target: str) -> int:
    """Return how many rows are still to be sent to ``target``."""
    (count,) = connection.execute(f"SELECT COUNT(*) {_OPEN}", (target,)).fetchone()
    (left,) = connection.execute(
        "SELECT COUNT(*) FROM uploads WHERE target = ? AND state = 'running'", (target,)
    ).fetchone()
    return int(count) + int(left)
