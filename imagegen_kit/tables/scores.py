"""Scores of a run's pictures: as columns of its table, and as a long table with reasons."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.scorers.records import set_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from imagegen_kit.store import Journal

PREFIX = "score_"
# The last score of each request and measure; one that is of another picture by now is none.
_LAST = (
    "FROM request_scores q JOIN (SELECT MAX(id) AS id FROM request_scores WHERE run = ?1 GROUP BY scorer, request) l "
    "ON l.id = q.id JOIN results s ON s.run = q.run AND s.request = q.request AND s.replaced = 0 "
    "AND s.sha256 = q.sha256 JOIN scores n ON n.sha256 = q.sha256 AND n.scorer = q.scorer "
    "AND n.version = q.version AND n.inputs = q.inputs"
)
_COLUMNS = f"SELECT q.scorer, q.request, n.value {_LAST} ORDER BY q.scorer"
_SETS = f"SELECT q.scorer, q.request, q.inputs {_LAST}"
_DETAILS = f"SELECT DISTINCT q.scorer, n.details {_LAST} AND q.scorer = 'judge'"
_JUDGES = (  # what each judge of a run was worth, the last time last
    "SELECT n.feature, n.details FROM request_scores q JOIN scores n ON n.sha256 = q.sha256 AND n.scorer = q.scorer "
    "AND n.version = q.version AND n.inputs = q.inputs WHERE q.run = ? AND q.scorer = 'judge' ORDER BY q.id"
)
_LONG = f"SELECT q.request, q.scorer, n.value, n.reason, n.feature, q.version, n.details {_LAST}"
_NAMES = "SELECT DISTINCT scorer FROM request_scores WHERE run = ? ORDER BY scorer"
_MEASURES = (
    "SELECT m.scorer, m.version, m.about FROM measures m "
    "WHERE m.scorer IN (SELECT scorer FROM request_scores WHERE run = ?)"
)
_ROWS = (
    "SELECT r.id, c.position, r.step, s.status, s.sha256 FROM requests r "
    "CROSS JOIN results s ON s.run = r.run AND s.request = r.id CROSS JOIN cells c ON c.id = r.cell "
    "WHERE r.run = ? AND s.replaced = 0 AND r.kind = 'image' ORDER BY r.cell, r.step"
)
_TYPES = {
    "cell": "Int64", "step": "Int64", "sha256": "str", "measure": "str", "value": "Float64", "unit": "str",
    "better": "str", "low": "Float64", "high": "Float64", "feature": "str", "version": "str", "reason": "str",
    "details": object,
}  # fmt: skip
NOT_SCORED = {
    "placeholder": "a placeholder is never scored",
    "failed": "no picture came",
    "blocked": "no picture came",
    "unknown": "no picture came",
    "cancelled": "no picture came",
}


def score_columns(journal: Journal, run: int) -> dict[str, dict[int, float | None]]:
    """Return {column: {request: value}} of what was measured of a run; the value is None where there is a reason."""
    found: dict[str, dict[int, float | None]] = {}
    for name, request, value in journal.read(_COLUMNS, (run,)):
        found.setdefault(PREFIX + name, {})[request] = value
    return found


def score_sets(journal: Journal, run: int) -> dict[str, dict[int, str]]:
    """Return {column: {request: its set}} for the columns of which a number stands for a whole set, or hangs on it."""
    found: dict[str, dict[int, str]] = {}
    of_sets = {column for column, about in measures_of(journal, run).items() if about.get("of") == "set"}
    for name, request, inputs in journal.read(_SETS, (run,)) if of_sets else ():
        if PREFIX + name in of_sets:
            found.setdefault(PREFIX + name, {})[request] = set_named(inputs)
    return found


def doubts(journal: Journal, run: int) -> dict[str, str]:
    """Return {column: why nothing may be claimed by it}: a judge that failed its controls, or was not asked enough."""
    found: dict[str, str] = {}
    for name, details in journal.read(_DETAILS, (run,)):
        if doubt := _doubt(details):
            found[PREFIX + name] = doubt
    return found


def judge_doubts(journal: Journal, run: int, judges: Iterable[str]) -> dict[str, str]:
    """Return {judge: why nothing may be claimed by its votes} of the ``judges`` (raters) of whom that is so."""
    known = dict(journal.read(_JUDGES, (run,)))
    return {name: doubt for name in judges if (doubt := _doubt(known.get(name)))}


def _doubt(details: str | None) -> str:
    trusted = json.loads(details).get("trusted") if details else None  # a shared bundle leaves details out
    if trusted is True:
        return ""
    return "the judge is not to be trusted" if trusted is False else "nobody knows the judge's worth"


def measures_of(journal: Journal, run: int) -> dict[str, dict[str, Any]]:
    """Return what each score column of a run means: better, unit, low, high and card; of several versions the last."""
    found = {}
    for name, _, about in sorted(journal.read(_MEASURES, (run,)), key=lambda row: (row[0], row[1])):
        found[PREFIX + name] = json.loads(about)
    return found


def score_rows(journal: Journal, run: int, only: frozenset[int] | None = None) -> pd.DataFrame:
    """Return one row for each picture (or failed request) and measure, with the reason where there is no number."""
    import pandas as pd

    scored = {(row[0], row[1]): row[2:] for row in journal.read(_LONG, (run,))}
    names = [name for (name,) in journal.read(_NAMES, (run,))]
    known = {(name, version): json.loads(about) for name, version, about in journal.read(_MEASURES, (run,))}
    any_version = {name: about for (name, _), about in known.items()}
    rows: list[dict[str, Any]] = []
    for request, cell, step, status, sha256 in journal.read(_ROWS, (run,)):
        if only is not None and request not in only:
            continue
        for name in names:
            value, reason, feature, version, details = scored.get((request, name), (None,) * 5)
            about = known.get((name, version), any_version.get(name, {}))
            if version is None:
                lacking = "was in no judged pair" if name == "judge" else "not scored yet: run.score(…) again"
                reason = NOT_SCORED.get(status, lacking)
            rows.append(
                {
                    "cell": cell, "step": step, "sha256": sha256, "measure": PREFIX + name, "value": value,
                    "unit": about.get("unit"), "better": about.get("better"), "low": about.get("low"),
                    "high": about.get("high"), "feature": feature, "version": version, "reason": reason,
                    "details": json.loads(details) if details else {},
                }
            )  # fmt: skip
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in _TYPES.items()})  # type: ignore[call-overload]  # dtypes by name
