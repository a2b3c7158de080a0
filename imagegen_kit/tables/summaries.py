"""Counts, sums and quantiles by group, computed in SQL: the rows themselves never reach Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS, BROKEN
from imagegen_kit.tables.score_means import score_means
from imagegen_kit.types import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.store import Journal

# Latency of what was really called and answered by the model that was asked; cached, fallback, placeholder and
# disagreeing rows are counted, not timed.
TIMED = "s.status = 'ok' AND s.same_model = 1 AND s.seconds NOT NULL"
# What says something about the model that was asked, however long it took.
ITS_OWN = "s.status IN ('ok', 'cached') AND s.same_model = 1"


def _quantile(tenths: int) -> str:
    """Return the SQL of a quantile of the timed rows, linear between the two nearest (numpy's and pandas' default).

    So p50 is the true median, as ``run.compare`` takes it. NULL where nothing was timed.
    """
    below = f"({tenths} * (of_timed - 1))"  # how many rows lie below it, in tenths
    beyond = f"({below} % 10) / 10.0"
    return (
        f"SUM(CASE place WHEN {below} / 10 + 1 THEN seconds * (1 - {beyond}) "
        f"WHEN {below} / 10 + 2 THEN seconds * ({beyond}) END)"
    )


# A result that a retry replaced is no row any more ("replaced"), but what it cost, or may have cost, was spent.
_MONEY = (
    ("cost_usd", "Float64", "CASE WHEN SUM(cost_usd IS NULL) > 0 THEN NULL ELSE SUM(cost_usd) END"),
    # A fallback's price is known also where the model that it stood in for may have been paid as well.
    ("known_cost_usd", "Float64", "SUM(COALESCE(cost_usd, CASE status WHEN 'fallback' THEN price_usd END, 0))"),
    ("unknown_costs", "Int64", "SUM(cost_usd IS NULL)"),
    (
        "price_usd",
        "Float64",
        "AVG(CASE WHEN status IN ('ok', 'cached') AND same_model = 1 AND picture THEN price_usd END)",
    ),
)
SUMMARY = (
    ("pictures", "Int64", "SUM(status != 'replaced' AND picture)"),
    ("texts", "Int64", "SUM(status != 'replaced' AND NOT picture)"),
    ("ok", "Int64", "SUM(status = 'ok')"),
    ("cached", "Int64", "SUM(status = 'cached')"),
    ("fallback", "Int64", "SUM(status = 'fallback')"),
    ("placeholder", "Int64", "SUM(status = 'placeholder')"),
    ("failed", "Int64", "SUM(status IN ('failed', 'blocked', 'unknown', 'cancelled'))"),
    ("success", "Float64", "1.0 * SUM(status IN ('ok', 'cached')) / SUM(status != 'replaced')"),
    ("unfair", "Int64", "SUM(unfair AND status != 'replaced')"),
    ("simulated", "Int64", "SUM(simulated AND status != 'replaced')"),
    *_MONEY,
    ("timed", "Int64", "SUM(timed)"),
    ("seconds_p50", "Float64", _quantile(5)),
    ("seconds_p90", "Float64", _quantile(9)),
    ("seconds_max", "Float64", "MAX(CASE WHEN timed THEN seconds END)"),
)
COSTS = (
    ("pictures", "Int64", "SUM(status != 'replaced' AND picture)"),
    ("texts", "Int64", "SUM(status != 'replaced' AND NOT picture)"),
    ("bought", "Int64", "SUM(attempts > 0 AND status IN ('ok', 'fallback'))"),
    ("cached", "Int64", "SUM(status = 'cached')"),
    *_MONEY,
    ("at_risk_usd", "Float64", "SUM(at_risk)"),
    ("basis", "str", "GROUP_CONCAT(DISTINCT cost_basis)"),
    ("simulated", "Int64", "SUM(simulated AND status != 'replaced')"),
)

# What calls of a request may still turn out to have cost, whatever its result is by now.
_AT_RISK = (
    "CASE s.replaced WHEN 0 THEN COALESCE((SELECT SUM(l.reserved_usd) FROM attempts a JOIN ledger l "
    "ON l.attempt = a.id WHERE a.request = r.id AND l.state IN ('reserved', 'unknown')), 0) ELSE 0 END"
)


def summary_table(
    journal: Journal, run_id: str, by: str | Sequence[str], what: Any = SUMMARY, only: frozenset[int] | None = None
) -> pd.DataFrame:
    """Return ``what`` for each group of ``by`` (recipe parameters or columns of the table), indexed by the group.

    A summary also has the mean of each score, over the pictures that the asked model made itself, and of how many.
    Quantiles lie linearly between timed rows; NA where there are none. ``only`` restricts to requests by their
    journal number. Raises InvalidInput for an unknown name.
    """
    import pandas as pd

    names = [by] if isinstance(by, str) else list(by) if isinstance(by, (list, tuple)) else []
    if not names:
        raise InvalidInput([Fault("by", f"{by!r} names no column.", 'Write "model" or ["model", "style"].')])
    groups = _group_columns(journal, run_id, names)
    outer = ", ".join(f"g{i}" for i in range(len(names)))
    inner = ", ".join(f"{sql} AS g{i}" for i, sql in enumerate(groups))
    joins = " ".join(
        f"LEFT JOIN cell_params p{i} ON p{i}.cell = r.cell AND p{i}.name = ?"
        for i, sql in enumerate(groups)
        if sql.startswith("p")
    )
    parameters = [n for n, sql in zip(names, groups, strict=True) if sql.startswith("p")]
    restrict = ""
    if only is not None:
        restrict = " AND r.id IN (SELECT value FROM json_each(?))"
    source = (
        "FROM runs u JOIN results s ON s.run = u.number JOIN requests r ON r.id = s.request "
        f"JOIN cells c ON c.id = r.cell {joins} WHERE u.id = ?{restrict}"
    )
    base = (
        f"SELECT {inner}, CASE s.replaced WHEN 1 THEN 'replaced' ELSE s.status END AS status, s.cost_usd, s.price_usd, "
        "s.cost_basis, s.seconds, s.attempts, s.same_model, "
        "MAX(r.unfair, s.told_unfair) AS unfair, c.position, r.kind != 'text' AS picture, "
        f"({TIMED} AND s.replaced = 0) AS timed, COALESCE(s.origin LIKE '{SIMULATED}%', 0) AS simulated, "
        f"{_AT_RISK if what is COSTS else 0} AS at_risk {source}"
    )
    if only is None:  # a cell whose recipe raised, where no request tells of it, is a failure too
        elsewhere = [
            sql if sql.startswith(("p", "c.", "u.")) else "'failed'" if sql == "s.status" else "NULL" for sql in groups
        ]
        outside = ", ".join(f"{sql} AS g{i}" for i, sql in enumerate(elsewhere))
        base += (
            f" UNION ALL SELECT {outside}, 'failed', 0.0, NULL, 'table', NULL, 0, 0, 0, c.position, 1, 0, 0, 0 "
            "FROM runs u JOIN cells c ON c.run = u.number JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
            f"{joins.replace('= r.cell', '= c.id')} WHERE u.id = ? AND e.error_type NOT NULL AND {BROKEN}"
        )
    ranked = (
        f"SELECT *, CASE WHEN timed THEN ROW_NUMBER() OVER (PARTITION BY {outer}, timed ORDER BY seconds) END "
        "AS place, "
        f"SUM(timed) OVER (PARTITION BY {outer}) AS of_timed FROM ({base})"
    )
    columns = ", ".join(f"{sql} AS {name}" for name, _, sql in what)
    values: list[Any] = [*parameters, run_id]
    chosen = [] if only is None else [json.dumps(sorted(only))]
    values += [*parameters, run_id] if only is None else chosen
    # Groups come in the order in which the grid has them.
    rows = journal.read(f"SELECT {outer}, {columns} FROM ({ranked}) GROUP BY {outer} ORDER BY MIN(position)", values)
    data: dict[str, Any] = {}
    for i, (name, sql) in enumerate(zip(names, groups, strict=True)):
        column = [row[i] for row in rows]
        values = [as_cell_value(json.loads(v)) if sql.startswith("p") and v is not None else v for v in column]
        data[name] = ["none" if v is None else v for v in values]  # a group of its own, not a missing label
    for i, (name, dtype, _) in enumerate(what, len(names)):
        column = [row[i] for row in rows]
        if name == "basis":  # SQLite joins them as they come
            column = [None if value is None else ",".join(sorted(value.split(","))) for value in column]
        data[name] = pd.array(column, dtype=dtype)
    if what is SUMMARY:
        own = f"SELECT r.id, {inner} {source} AND s.replaced = 0 AND {ITS_OWN}"
        group_of = {id: tuple(group) for id, *group in journal.read(own, [*parameters, run_id, *chosen])}
        data.update(score_means(journal, run_id, [tuple(row[: len(names)]) for row in rows], group_of))
    return pd.DataFrame(data).set_index(names[0] if len(names) == 1 else names)


def requests_where(journal: Journal, run_id: str, condition: str) -> set[int]:
    """Return the requests of a run, by journal number, whose result meets ``TIMED`` or ``ITS_OWN``."""
    sql = "SELECT s.request FROM results s JOIN runs u ON u.number = s.run WHERE u.id = ? AND s.replaced = 0 AND "
    return {request for (request,) in journal.read(sql + condition, (run_id,))}


def _group_columns(journal: Journal, run_id: str, names: list[str]) -> list[str]:
    stored = {c.name: c.sql for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS) if c.sql is not None}
    rows = journal.read(
        "SELECT DISTINCT p.name FROM cell_params p JOIN cells c ON c.id = p.cell JOIN runs u ON u.number = c.run "
        "WHERE u.id = ?",
        (run_id,),
    )
    parameters = {name for (name,) in rows}
    faults, columns = [], []
    for i, name in enumerate(names):
        if name in parameters:
            columns.append(f"p{i}.value")
        elif name == "model":  # a recipe that was given none used the default
            columns.append("r.model")
        elif name in stored:
            columns.append(str(stored[name]))
        else:
            faults.append(unknown_name_fault("column", name, parameters | set(stored), where="by"))
    if faults:
        raise InvalidInput(faults)
    return columns
