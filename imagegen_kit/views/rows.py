"""What a run's display needs from the journal: counts over all rows, and the rows of the first few cells only."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.film import stored
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.types import SIMULATED
from imagegen_kit.types.results import noted
from imagegen_kit.views.grid import REPEAT
from imagegen_kit.views.pictures import Outcome, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.film import Film
    from imagegen_kit.imaging.picture import Picture

_COUNTS = (
    f"SELECT status, COUNT(*), SUM(cost_usd), SUM(cost_usd IS NULL), SUM(COALESCE(origin LIKE '{SIMULATED}%', 0)) "
    "FROM results WHERE run = :run AND replaced = 0 "
    "AND (:only IS NULL OR request IN (SELECT value FROM json_each(:only))) GROUP BY status ORDER BY COUNT(*) DESC"
)
# CROSS JOIN keeps SQLite to this order: from the few cells to their rows, never through all rows of a long run.
_ROWS = (
    "SELECT c.position, c.id, r.asked, r.model, r.seed_sent, r.adaptations, r.unfair, s.status, s.model_used, "
    "s.sha256, s.format, s.width, s.height, s.cost_usd, s.seconds, s.error, s.text, s.origin, "
    "COALESCE(r.sent, r.asked), r.id, c.repeat FROM cells c "
    "CROSS JOIN requests r ON r.run = c.run AND r.cell = c.id "
    "CROSS JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
    "WHERE c.run = :run AND c.position IN (SELECT value FROM json_each(:cells)) "
    "AND (:only IS NULL OR r.id IN (SELECT value FROM json_each(:only))) ORDER BY r.step, r.id"
)
# A cell whose recipe raised, where none of its requests tells the failure already.
_BROKEN = (
    "SELECT c.position, c.id, e.error, c.repeat FROM cells c "
    "CROSS JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
    "WHERE c.run = :run AND c.position IN (SELECT value FROM json_each(:cells)) AND e.error_type NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM requests r CROSS JOIN results s ON s.run = r.run AND s.request = r.id "
    "AND s.replaced = 0 WHERE r.run = c.run AND r.cell = c.id AND s.error_type NOT NULL)"
)
_PARAMETERS = "SELECT cell, name, value FROM cell_params WHERE cell IN (SELECT value FROM json_each(:cells))"


@dataclass(frozen=True, slots=True)
class Counted:
    """A run in numbers: rows by status, what is known of the cost, how many costs are not, how many are simulated."""

    by_status: dict[str, int]
    known_usd: float
    unknown_costs: int
    simulated: int = 0

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class Row:
    """One picture or failed request: the parameters of its cell, what became of it, and the picture if there is one.

    ``params`` hold the number of the repeat too, from 1. ``request`` is the request's number in the journal, None where
    the recipe raised before it asked for anything.
    """

    position: int
    params: dict[str, Any]
    outcome: Outcome
    picture: Picture | Film | None
    request: int | None = None


def counted(run: Run) -> Counted:
    """Count the rows of a run in one pass."""
    values = {"run": run._number, "only": _only(run)}
    found = run._store.journal.read(_COUNTS, values)
    return Counted(
        {status: n for status, n, *_ in found},
        sum(known or 0.0 for _, _, known, _, _ in found),
        sum(unknown for _, _, _, unknown, _ in found),
        sum(simulated for *_, simulated in found),
    )


def first_rows(run: Run, positions: Iterator[int], at_most: int) -> list[Row]:
    """Return up to ``at_most`` rows, in the order of ``positions``; only as many cells are read as that takes."""
    rows: list[Row] = []
    size = at_most
    while len(rows) < at_most and (some := list(itertools.islice(positions, size))):
        rows += rows_of(run, some)
        size *= 4  # a run that has just begun holds few of its cells
    return rows[:at_most]


def _only(run: Run) -> str | None:
    return None if run._only is None else json.dumps(sorted(run._only))


def rows_of(run: Run, positions: Sequence[int]) -> list[Row]:
    """Return the rows of the cells at ``positions``, in that order; what a cell has not got yet is not among them."""
    read = run._store.journal.read
    values = {"run": run._number, "cells": json.dumps(positions), "only": _only(run)}
    found: list[tuple[int, int, tuple[Any, ...] | None, str | None]] = []
    params: dict[int, dict[str, Any]] = {}
    for position, cell, *row, repeat in read(_ROWS, values):
        found.append((position, cell, tuple(row), None))
        params[cell] = {REPEAT: repeat + 1}
    if run._only is None:
        del values["only"]
        for position, cell, error, repeat in read(_BROKEN, values):
            found.append((position, cell, None, error))
            params[cell] = {REPEAT: repeat + 1}
    wanted = json.dumps([cell for _, cell, _, _ in found])
    for cell, name, value in read(_PARAMETERS, {"cells": wanted}):
        params[cell][name] = as_cell_value(json.loads(value))
    place = {position: i for i, position in enumerate(positions)}
    found.sort(key=lambda row: place[row[0]])
    return [_row(run, position, params[cell], row, error) for position, cell, row, error in found]


def _row(run: Run, position: int, params: dict[str, Any], row: tuple[Any, ...] | None, error: str | None) -> Row:
    style = str(params["style"]) if params.get("style") else None
    prompt = str(params.get("prompt") or params.get("brief") or "")
    if row is None:  # no request to read anything from
        model = str(params.get("model") or "")
        row = (None, model, None, None, 0, "failed", *(None,) * 5, 0.0, None, error, None, None, None, None)
    asked, model, seed, notes, unfair, status, used, sha256, format, width, height, usd, seconds, error = row[:14]
    answer, origin, sent, request = row[14:]
    outcome = Outcome(
        status=status,
        model=model,
        model_used=used,
        prompt=prompt or (json.loads(asked)["prompt"] if asked else ""),
        style=style,
        seed=seed,
        seconds=seconds,
        usd=usd,
        adaptations=tuple(str(n) for n in noted(notes, unfair) if n.unfair),
        error=error,
        simulated=(origin or "").startswith(SIMULATED),
        answer=answer,
        references=tuple(_named(r) for r in json.loads(sent).get("references", ())) if sent else (),
    )
    if sha256 is None or answer is not None:
        return Row(position, params, outcome, None, request)
    path = str(run._store.blobs.path(sha256, format))
    picture = stored(sha256, format, width, height, path)
    return Row(position, params, outcome, picture, request)


def _named(reference: dict[str, Any]) -> str:
    picture = reference["picture"]["sha256"]
    return named(reference.get("name"), reference.get("origin"), reference["role"], picture, reference.get("score"))
