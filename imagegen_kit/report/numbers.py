"""The tables of a page: what came of it, what it cost, who is better by how much, and what the scores mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.report.frames import NOTHING, TOGETHER, figures, heading, interval, number, share_interval, table_of
from imagegen_kit.report.parts import Section, Table

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.report.known import Known

_SUMMARY = (
    "pictures", "texts", "ok", "cached", "fallback", "placeholder", "failed", "success", "unfair", "timed",
    "seconds_p50", "seconds_p90",
)  # fmt: skip
_COSTS = ("bought", "cached", "cost_usd", "known_cost_usd", "unknown_costs", "price_usd", "at_risk_usd", "basis")
_COSTS_NOTE = "Unknown costs are counted, never taken for zero: one makes a sum unknown. Cached pictures cost nothing."


def numbers(known: Known) -> Section:
    """Return summary, costs, comparison and, where prompts have categories, how each does in each of them."""
    run, by = known.run, known.by or "model"
    shown = by if by in known.values or by == "model" else "model"
    summary, costs = run.summary(shown), run.costs(shown)
    drop = [c for c in ("texts", "fallback", "placeholder", "cached") if not summary[c].any()]
    drop += ["success"] * known.survivors
    summary = summary.drop(columns=drop)
    blocks: list[Any] = [
        table_of(summary, f"What came of it, by {shown}", columns=_SUMMARY),
        table_of(costs, f"What it cost, by {shown}", columns=_COSTS, notes=[_COSTS_NOTE]),
    ]
    comparison = known.comparison
    if not isinstance(comparison, str) and len(comparison):
        blocks.append(_comparison(comparison, str(known.by), known.unit))
    blocks += [found] if (found := _scenarios(known, shown)) is not None else []
    return Section("numbers", "Numbers", blocks)


def _comparison(frame: pd.DataFrame, by: str, unit: str) -> Table:
    head = ["metric", "better", "a", "b", "a − b, 95 %", "a wins, 95 %", f"{unit}s", "p (Holm)", "verdict"]
    found: list[Any] = list(frame.head(200).astype(object).where(frame.notna(), None).itertuples(index=False))
    pairs: dict[str, list[Any]] = {}
    for row in found:  # a pair is named once: a line each would be as tall as its names are long
        pairs.setdefault(f"a: {row.a}, b: {row.b}", []).append(row)
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for names, of_pair in pairs.items():
        groups[len(rows)] = names
        rows += [_compared(row) for row in of_pair]
    notes = [
        f"Means of pairs of one {unit}; medians for price and seconds. The interval is of the difference. Pictures "
        "without a number (failed, cached for seconds, placeholders, another model's) are left out of their pair.",
    ]
    notes += frame.attrs.get("notes", ())
    if len(frame) > len(rows):
        notes.append(f"The first {len(rows)} of {len(frame):,} comparisons.")
    return Table(f"Who is better, by {by}", head, rows, frozenset({2, 3, 6, 7}), notes, groups)


def _compared(row: Any) -> list[str]:
    measured = f" {row.unit}" if row.unit else ""
    effect = NOTHING if row.effect is None else figures(row.effect, signed=True) + f"{measured} "
    wins = NOTHING if row.win_rate is None else f"{row.win_rate:.0%} {share_interval(row.win_low, row.win_high)}"
    return [
        row.metric, row.better or NOTHING, number(row.a_value), number(row.b_value),
        effect + (interval(row.low, row.high) if row.effect is not None else ""), wins, f"{row.n:,}",
        number(row.p_holm), row.verdict,
    ]  # fmt: skip


def _scenarios(known: Known, by: str) -> Table | None:
    """Return success and the mean of each score by category and ``by``; None where prompts have no categories."""
    table = known.table
    if by not in table or table["category"].dropna().nunique() < 1:
        return None
    real = table["status"].isin(["ok", "cached"])
    scores = [c for c in table.columns if c.startswith("score_") and table[c].notna().any()][:8]
    values = list(dict.fromkeys(table[by].dropna()))
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for category in dict.fromkeys(table["category"].dropna()):
        groups[len(rows)] = str(category)
        for aspect in scores if known.survivors else ("success", *scores):
            row = [aspect]
            for value in values:
                here = (table["category"] == category) & (table[by] == value)
                column = real[here].astype(float) if aspect == "success" else table.loc[here & real, aspect].dropna()
                of = f"{TOGETHER}(n{TOGETHER}{len(column)})"
                row.append(f"{figures(float(column.mean()))}{of}" if len(column) else NOTHING)
            rows.append(row)
    note = "Means over pictures of the model asked, with their number; they are no claims: the differences with their "
    return Table(
        f"Category by aspect, by {by}", ["aspect", *map(str, values)], rows,
        frozenset(range(1, 1 + len(values))), [note + "intervals stand in the table above."], groups,
    )  # fmt: skip


def scores(known: Known) -> Section | None:
    """Return what was measured: unit, direction, range, version and feature; None where nothing was."""
    frame = known.run.scores()
    if not len(frame):
        return None
    rows = []
    for name, part in frame.groupby("measure", sort=False):
        value = part["value"].dropna()
        low, high = part["low"].dropna(), part["high"].dropna()
        span = f"{figures(float(low.iloc[0])) if len(low) else 'open'} … "
        span += figures(float(high.iloc[0])) if len(high) else "open"
        rows.append(
            [
                str(name), _all(part["better"]) or NOTHING, _all(part["unit"]) or NOTHING, span,
                _all(part["version"]) or NOTHING, _all(part["feature"]) or NOTHING,
                figures(float(value.median())) if len(value) else NOTHING, f"{len(value):,}",
                f"{len(part) - len(value):,}",
            ]
        )  # fmt: skip
    head = ["score", "better", "unit", "range", "version", "measured by", "median", "pictures", "without a number"]
    blocks: list[Any] = [Table("What was measured, and what it means", head, rows, frozenset({6, 7, 8}))]
    missing = frame[frame["value"].isna()]
    if len(missing):
        why = missing.groupby(["measure", missing["reason"].fillna("no reason given")], sort=False).size()
        counts: list[tuple[Any, int]] = list(why.items())
        told = [[str(of), str(reason), f"{n:,}"] for (of, reason), n in counts][:60]
        blocks.append(
            Table("Why some pictures have no number", [heading("score"), "why", "pictures"], told, frozenset({2}))
        )
    return Section("scores", "Scores", blocks)


def _all(column: pd.Series[Any]) -> str:
    return ", ".join(str(v) for v in dict.fromkeys(column.dropna()) if str(v))
