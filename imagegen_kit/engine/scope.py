"""Where a job runs: its run and cell, and what the journal already holds of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.rows import RESULT_COLUMNS
from imagegen_kit.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.store.journal import Journal


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that an earlier execution of the same cell left in the journal; ``row`` None: it never ended."""

    id: int
    row: tuple[Any, ...] | None


@dataclass(slots=True)
class Scope:
    """One cell of one run while its recipe executes."""

    run: int
    run_id: str
    cell: int
    repeat: int = 0
    category: str | None = None
    budget_usd: float | None = None
    default_model: str = DEFAULT_MODEL
    replay: dict[tuple[str, int], Recorded] = field(default_factory=dict)
    retrieved: dict[tuple[str, int], tuple[str, str | None]] = field(
        default_factory=dict
    )  # found, state of the library
    libraries: Mapping[str, str] = field(default_factory=dict)  # what each held when the run began, by its path
    opening: list[Any] = field(default_factory=list)  # the cell's own rows, written with its first request
    _seen: Counter[str] = field(default_factory=Counter)

    def open(self) -> list[Any]:
        """Return the rows that open the cell in the journal; nothing the second time."""
        rows, self.opening = self.opening, []
        return rows

    def occurrence(self, key: str) -> int:
        """Return how many equal requests (or retrievals) this cell has made before this one, and count this one."""
        number = self._seen[key]
        self._seen[key] = number + 1
        return number


def recorded_requests(journal: Journal, run: int, cell: int) -> dict[tuple[str, int], Recorded]:
    """Return what the journal holds of a cell, by key and occurrence."""
    columns = ", ".join(f"s.{c.strip()}" for c in RESULT_COLUMNS.split(","))
    rows = journal.read(
        f"SELECT COALESCE(r.key, 'refused ' || r.step), r.occurrence, r.id, {columns} FROM requests r "
        "LEFT JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
        "WHERE r.run = ? AND r.cell = ?",
        (run, cell),
    )
    return {(row[0], row[1]): Recorded(row[2], row[3:] if row[3] is not None else None) for row in rows}


def recorded_retrievals(journal: Journal, run: int, cell: int) -> dict[tuple[str, int], tuple[str, str | None]]:
    """Return what a cell has found in libraries, with their state then, by what was asked and occurrence."""
    sql = "SELECT asked, occurrence, found, state FROM retrievals WHERE run = ? AND cell = ?"
    return {(asked, number): (found, state) for asked, number, found, state in journal.read(sql, (run, cell))}
