"""One tidy row for each picture or failed request of a run."""

from __future__ import annotations

import contextlib
import gc
import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.store.values import CELLS_PER_RUN
from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS, BROKEN
from imagegen_kit.tables.scores import score_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from imagegen_kit.store import Journal, Store

_STORED = [c for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS) if c.sql is not None and c.name != "run_id"]
# The order of the joins is that of the indexes, so that nothing has to be sorted.
_ROWS = (
    "SELECT r.id, r.cell, s.format, s.timings, "
    + ", ".join(f"{c.sql} AS {c.name}" for c in _STORED)
    + " FROM requests r CROSS JOIN results s ON s.run = r.run AND s.request = r.id CROSS JOIN cells c ON c.id = r.cell "
    "WHERE r.run = ? AND s.replaced = 0 ORDER BY r.cell, r.step"
)
# A cell whose recipe raised, where none of its requests already tells the failure.
_BROKEN_CELLS = (
    "SELECT c.position, c.repeat, c.category, e.error, e.finished_at, c.id FROM cells c "
    "JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
    f"WHERE c.run = ? AND e.error_type NOT NULL AND {BROKEN}"
)
# One text a parameter: two long texts are read and decoded far faster than a hundred thousand rows.
_PARAMETER = (
    "SELECT '[' || GROUP_CONCAT(cell) || ']', '[' || GROUP_CONCAT(value) || ']' FROM "
    "(SELECT cell, value FROM cell_params WHERE cell >= ? AND cell < ? AND name = ? ORDER BY cell)"
)
_REFERENCES = (
    "SELECT f.request, COALESCE(f.item, substr(f.sha256, 1, 12)), f.score FROM requests r "
    "JOIN request_refs f ON f.request = r.id WHERE r.run = ? ORDER BY f.request, f.rank"
)


def run_table(store: Store, run_ids: Sequence[str], *, keep_request: bool = False) -> pd.DataFrame:
    """Return the rows of runs, in the order of their cells; ``keep_request`` adds the requests' journal numbers.

    Columns as ``columns.py`` lists them, with one column a recipe parameter by its own name. Free is 0, unknown is NA.
    """
    import pandas as pd

    with _no_collector():
        frames = [_one_run(store, run_id, keep_request) for run_id in run_ids or ("",)]  # of none: the columns
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Pause the cycle collector: it would walk the millions of new values again and again (a third of the time)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _one_run(store: Store, run_id: str, keep_request: bool) -> pd.DataFrame:
    import pandas as pd

    journal = store.journal
    found = journal.read("SELECT number, spec FROM runs WHERE id = ?", (run_id,))
    number, spec = found[0] if found else (-1, "{}")
    rows = journal.read(_ROWS, (number,))
    names = ["request", "cell_id", "format", "timings", *(c.name for c in _STORED)]
    data: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    data = data or {name: [] for name in names}
    broken = journal.read(_BROKEN_CELLS, (number,))
    for position, repeat, category, error, at, cell_id in broken:
        known = {
            "cell": position, "repeat": repeat, "category": category, "error": error, "created_at": at,
            "cell_id": cell_id, "status": "failed", "unfair": 0, "attempts": 0, "cost_usd": 0.0,
        }  # fmt: skip
        for name in names:
            data[name].append(known.get(name))
    count = len(data["request"])
    data["run_id"] = [run_id] * count
    data["path"] = [
        None if sha256 is None else store.blobs.name(sha256, format)
        for sha256, format in zip(data["sha256"], data["format"], strict=True)
    ]
    references = _references(journal, number)
    for name, index in (("reference_ids", 0), ("reference_scores", 1)):
        data[name] = [references[r][index] if r in references else () for r in data["request"]] if references else []
    scores = score_columns(journal, number)
    columns: dict[str, Any] = {"request": pd.array(data["request"], dtype="Int64")} if keep_request else {}
    for column in (*BEFORE_PARAMETERS, None, *AFTER_PARAMETERS):
        if column is None:
            columns.update(_parameters(journal, number, json.loads(spec).get("parameters", ()), data["cell_id"]))
            continue
        columns[column.name] = _typed(data[column.name], column.dtype, count)
        if column.name == "seconds_keep":
            parts = _parts(data["timings"])
            columns.update({name: pd.array(values, dtype="Float64") for name, values in parts.items()})
        elif column.name == "attempts":
            for name, values_of in scores.items():
                columns[name] = _typed([values_of.get(request) for request in data["request"]], "Float64", count)
    frame = pd.DataFrame(columns)
    return frame.sort_values("cell", kind="stable", ignore_index=True) if broken else frame


def _typed(values: list[Any], dtype: str, rows: int) -> Any:
    import numpy as np
    import pandas as pd

    if dtype == "object":
        out = np.empty(rows, dtype=object)
        out[:] = values or [()] * rows
        return out
    if dtype.startswith("datetime"):
        return pd.to_datetime(pd.Series(values, dtype="str"), format="ISO8601", utc=True).astype(dtype)  # type: ignore[call-overload]  # a dtype by name
    if dtype == "boolean":
        floats = np.array(values, dtype=float) if values else np.empty(0)
        return pd.arrays.BooleanArray(floats == 1.0, np.isnan(floats))
    if dtype in ("Int64", "Float64"):
        # Much faster than pandas' own look at each value: NaN marks the missing ones.
        floats = np.array(values, dtype=float) if values else np.empty(0)
        missing = np.isnan(floats)
        if dtype == "Float64":
            return pd.arrays.FloatingArray(np.where(missing, 0.0, floats), missing)
        return pd.arrays.IntegerArray(np.where(missing, 0, floats).astype("int64"), missing)
    return pd.array(values, dtype="str")


def _parameters(journal: Journal, run: int, names: Sequence[str], cells: list[int]) -> dict[str, Any]:
    """Return one column a parameter, a value for each of ``cells``; None where a cell has not got it."""
    import pandas as pd

    from imagegen_kit.store.values import as_cell_value

    columns: dict[str, Any] = {}
    for name in names:
        ((known, texts),) = journal.read(_PARAMETER, (run * CELLS_PER_RUN, (run + 1) * CELLS_PER_RUN, name))
        if texts is None:
            continue
        values = json.loads(texts)
        if any(isinstance(v, (dict, list)) for v in values):
            values = [as_cell_value(v) for v in values]
        of_cell = json.loads(known)
        if of_cell != cells:
            by_cell = dict(zip(of_cell, values, strict=True))
            values = [by_cell.get(cell) for cell in cells]
        columns[name] = pd.Series(values, dtype=_dtype_of(values))
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


def _references(journal: Journal, run: int) -> dict[int, tuple[tuple[str, ...], tuple[Any, ...]]]:
    found: dict[int, tuple[tuple[str, ...], tuple[Any, ...]]] = {}
    for request, item, score in journal.read(_REFERENCES, (run,)):
        ids, scores = found.get(request, ((), ()))
        found[request] = ((*ids, item), (*scores, score))
    return found


def _parts(timings: list[str | None]) -> dict[str, list[float | None]]:
    """Return ``seconds_<part>`` for the parts that providers told."""
    told = [json.loads(t) if t else {} for t in timings] if any(timings) else []
    return {f"seconds_{part}": [t.get(part) for t in told] for part in sorted({p for t in told for p in t})}
