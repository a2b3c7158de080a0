"""One tidy row for each picture or failed request of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.store import Journal, Store

_STORED = [c for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS) if c.sql is not None]
_ROWS = (
    "SELECT r.id, r.cell, s.format, s.timings, "
    + ", ".join(f"{c.sql} AS {c.name}" for c in _STORED)
    + " FROM runs u JOIN results s ON s.run = u.number JOIN requests r ON r.id = s.request "
    "JOIN cells c ON c.id = r.cell WHERE s.replaced = 0 AND u.id IN ({marks}) ORDER BY u.number, c.position, r.step"
)
# A cell whose recipe raised, where none of its requests already tells the failure.
_BROKEN_CELLS = (
    "SELECT u.id, c.position, c.repeat, c.category, e.error, e.finished_at, c.id FROM cell_ends e "
    "JOIN cells c ON c.id = e.cell JOIN runs u ON u.number = c.run "
    "WHERE e.replaced = 0 AND e.error_type NOT NULL AND u.id IN ({marks}) AND NOT EXISTS (SELECT 1 FROM requests r "
    "CROSS JOIN results s ON s.run = r.run AND s.request = r.id "  # CROSS: from the cell's requests to their results
    "WHERE r.run = c.run AND r.cell = c.id AND s.replaced = 0 AND s.error_type NOT NULL)"
)
_PARAMETERS = (
    "SELECT p.name, p.cell, p.value FROM cell_params p JOIN cells c ON c.id = p.cell JOIN runs u ON u.number = c.run "
    "WHERE u.id IN ({marks})"
)
_REFERENCES = (
    "SELECT f.request, COALESCE(f.item, substr(f.sha256, 1, 12)), f.score FROM request_refs f "
    "JOIN requests r ON r.id = f.request JOIN runs u ON u.number = r.run WHERE u.id IN ({marks}) ORDER BY 1, f.rank"
)


def run_table(store: Store, run_ids: Sequence[str], *, keep_request: bool = False) -> pd.DataFrame:
    """Return the rows of runs, in the order of their cells; ``keep_request`` adds the requests' journal numbers.

    Columns as ``columns.py`` lists them, with one column a recipe parameter by its own name. Free is 0, unknown is NA.
    """
    import pandas as pd

    journal, marks = store.journal, ", ".join("?" * len(run_ids))
    rows = journal.read(_ROWS.format(marks=marks), run_ids)
    broken = journal.read(_BROKEN_CELLS.format(marks=marks), run_ids)
    names = ["request", "cell_id", "format", "timings", *(c.name for c in _STORED)]
    data: dict[str, list[Any]] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    data = data or {name: [] for name in names}
    for run_id, position, repeat, category, error, at, cell_id in broken:
        known = {
            "run_id": run_id, "cell": position, "repeat": repeat, "category": category, "error": error,
            "created_at": at, "cell_id": cell_id, "status": "failed", "unfair": 0, "attempts": 0, "cost_usd": 0.0,
        }  # fmt: skip
        for name in names:
            data[name].append(known.get(name))
    data["path"] = [
        None if sha256 is None else store.blobs.name(sha256, format)
        for sha256, format in zip(data["sha256"], data["format"], strict=True)
    ]
    references = _references(journal, marks, run_ids)
    for name, index in (("reference_ids", 0), ("reference_scores", 1)):
        data[name] = [references.get(r, ([], []))[index] for r in data["request"]] if references else []
    parameters = _parameters(journal, marks, run_ids, data["cell_id"])
    parts = _parts(data["timings"])
    columns: dict[str, Any] = {"request": pd.array(data["request"], dtype="Int64")} if keep_request else {}
    for column in (*BEFORE_PARAMETERS, None, *AFTER_PARAMETERS):
        if column is None:
            columns.update(parameters)
            continue
        columns[column.name] = _typed(data[column.name], column.dtype, len(data["request"]))
        if column.name == "seconds_keep":
            columns.update({name: pd.array(values, dtype="Float64") for name, values in parts.items()})
    frame = pd.DataFrame(columns)
    return frame.sort_values(["run_id", "cell"], kind="stable", ignore_index=True) if broken else frame


def _typed(values: list[Any], dtype: str, rows: int) -> Any:
    import numpy as np
    import pandas as pd

    if dtype == "object":
        out = np.empty(rows, dtype=object)
        out[:] = values or [[] for _ in range(rows)]
        return out
    if dtype.startswith("datetime"):
        return pd.to_datetime(pd.Series(values, dtype="str"), format="ISO8601", utc=True).astype(dtype)  # type: ignore[call-overload]  # a dtype by name
    if dtype == "boolean":
        return pd.array([None if v is None else bool(v) for v in values], dtype="boolean")
    if dtype in ("Int64", "Float64"):
        # Much faster than pandas' own look at each value: NaN marks the missing ones.
        floats = np.array(values, dtype=float) if values else np.empty(0)
        missing = np.isnan(floats)
        if dtype == "Float64":
            return pd.arrays.FloatingArray(np.where(missing, 0.0, floats), missing)
        return pd.arrays.IntegerArray(np.where(missing, 0, floats).astype("int64"), missing)
    return pd.array(values, dtype="str")


def _parameters(journal: Journal, marks: str, run_ids: Sequence[str], cells: list[Any]) -> dict[str, Any]:
    """Return one column a parameter: the values are few and repeat, so each text is decoded once."""
    import pandas as pd

    from imagegen_kit.store.values import as_cell_value

    by_name: dict[str, dict[int, str]] = {}
    for name, cell, value in journal.read(_PARAMETERS.format(marks=marks), run_ids):
        try:
            by_name[name][cell] = value
        except KeyError:
            by_name[name] = {cell: value}
    order: dict[str, None] = {}
    for (spec,) in journal.read(f"SELECT spec FROM runs WHERE id IN ({marks})", run_ids):
        order.update(dict.fromkeys(json.loads(spec).get("parameters", ())))
    columns: dict[str, Any] = {}
    for name in [*(n for n in order if n in by_name), *(n for n in by_name if n not in order)]:
        values = by_name[name]
        decoded = {text: as_cell_value(json.loads(text)) for text in set(values.values())}
        column = [decoded[values[c]] if c in values else None for c in cells]
        columns[name] = pd.Series(column, dtype=_dtype_of(decoded.values()))
    return columns


def _dtype_of(values: Any) -> Any:
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {str} and kinds:
        return "str"
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "Int64"
    if kinds and kinds <= {int, float}:
        return "Float64"
    return object


def _references(journal: Journal, marks: str, run_ids: Sequence[str]) -> dict[int, tuple[list[str], list[Any]]]:
    found: dict[int, tuple[list[str], list[Any]]] = {}
    for request, item, score in journal.read(_REFERENCES.format(marks=marks), run_ids):
        ids, scores = found.setdefault(request, ([], []))
        ids.append(item)
        scores.append(score)
    return found


def _parts(timings: list[str | None]) -> dict[str, list[float | None]]:
    """Return ``seconds_<part>`` for the parts that providers told."""
    told = [json.loads(t) if t else {} for t in timings] if any(timings) else []
    return {f"seconds_{part}": [t.get(part) for t in told] for part in sorted({p for t in told for p in t})}
