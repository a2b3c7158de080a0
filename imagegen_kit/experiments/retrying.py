"""Cells in which something failed, and how the journal is told that they are to be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.store import Journal

_FAILED = (
    "SELECT e.cell FROM cell_ends e JOIN cells c ON c.id = e.cell "
    "WHERE c.run = ? AND e.replaced = 0 AND e.status = 'failed'"
)
# Of these, the cells in which nothing is missing but pictures for which a placeholder stands.
_PLACEHOLDERS = (
    f"SELECT COUNT(*) FROM ({_FAILED} AND e.error_type IS NULL) f WHERE (SELECT SUM(s.status = 'placeholder') > 0 AND "
    "SUM(s.status NOT IN ('ok', 'cached', 'fallback', 'placeholder')) = 0 FROM requests r JOIN results s "
    "ON s.run = r.run AND s.request = r.id AND s.replaced = 0 WHERE r.run = ? AND r.cell = f.cell)"
)


def failed_cells(journal: Journal, run: int) -> list[int]:
    """Return the row ids of the cells of ``run`` in which something failed."""
    return [cell for (cell,) in journal.read(_FAILED, (run,))]


def failures_told(journal: Journal, run: int) -> str:
    """Return ``, 2 failed, 1 with a placeholder`` of the cells of ``run``, "" where all went well."""
    failed = len(failed_cells(journal, run))
    placeholders = journal.read(_PLACEHOLDERS, (run, run))[0][0] if failed else 0
    counts = {"failed": failed - placeholders, "with a placeholder": placeholders}
    return "".join(f", {count} {what}" for what, count in counts.items() if count)


def set_aside(journal: Journal, run: int, cells: list[int], *, buy_again: bool) -> None:
    """Mark what failed in ``cells`` as replaced, so that they count as not run; what went well is kept.

    ``buy_again`` also forgets calls of unknown outcome, which are looked up before they are bought again otherwise.
    """
    marks: list[Any] = [("UPDATE cell_ends SET replaced = 1 WHERE cell = ?", (cell,)) for cell in cells]
    marks += [
        (
            "UPDATE results SET replaced = 1 WHERE status NOT IN ('ok', 'cached', 'fallback') AND run = ? "
            "AND request IN (SELECT id FROM requests WHERE run = ? AND cell = ?)",
            (run, run, cell),
        )
        for cell in cells
    ]
    if buy_again:
        forget = "UPDATE attempts SET state = 'failed' WHERE state = 'unknown' AND request IN "
        marks += [(f"{forget} (SELECT id FROM requests WHERE cell = ?)", (cell,)) for cell in cells]
    journal.write(marks).result()
