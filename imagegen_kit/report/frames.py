"""A DataFrame as a table of words: unknown is said, never shown as zero, and what is cut is counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from imagegen_kit.report.parts import Table
from imagegen_kit.views.words import said, shortened, usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

MOST_ROWS = 200
LONGEST = 160
NOTHING = "–"
TOGETHER = "\N{NO-BREAK SPACE}"  # an interval is never torn at the end of a line


def table_of(
    frame: pd.DataFrame, caption: str, *, columns: Iterable[str] | None = None, index: bool = True, notes: Any = ()
) -> Table:
    """Return ``columns`` (None: all) of ``frame``; ``index`` whether its rows are named by the index."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    shown = frame if columns is None else frame[[c for c in columns if c in frame]]
    if index:
        shown = shown.reset_index()
    notes = list(notes)
    if len(shown) > MOST_ROWS:
        notes.append(f"The first {MOST_ROWS} of {len(shown):,} rows.")
        shown = shown.head(MOST_ROWS)
    names = [str(name) for name in shown.columns]
    plain = [["" if v is pd.NaT else v for v in shown.iloc[:, i].astype(object)] for i in range(len(names))]
    cells = [[number(v, name) for v in column] for name, column in zip(names, plain, strict=True)]
    right = frozenset(
        i
        for i in range(1, len(names))
        if is_numeric_dtype(shown.iloc[:, i].dtype) and not is_bool_dtype(shown.iloc[:, i].dtype)
    )
    return Table(caption, [heading(n) for n in names], [list(row) for row in zip(*cells, strict=True)], right, notes)


def heading(name: str) -> str:
    """Return the name of a column as a reader says it: ``cost_usd`` is ``cost (USD)``."""
    if name.startswith("score_"):
        return name
    for end, unit in (("_usd", " (USD)"), ("_p50", " p50 (s)"), ("_p90", " p90 (s)"), ("_max", " max (s)")):
        if name.endswith(end):
            return name.removesuffix(end).replace("_", " ") + unit
    return {"seconds": "seconds (s)"}.get(name, name.replace("_", " "))


def number(value: Any, name: str = "") -> str:
    """Return a value as it stands in a table. Of dollars unknown is said; elsewhere a dash stands for nothing."""
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
        return "unknown" if name.endswith("_usd") else NOTHING
    if isinstance(value, bool):
        return said(value)
    if name.endswith("_usd") and isinstance(value, (int, float)):
        return usd(float(value))
    if isinstance(value, float):
        return figures(value)
    if isinstance(value, int):
        return f"{value:,}"
    return shortened(said(value), LONGEST)


def figures(value: float, *, signed: bool = False) -> str:
    """Return three significant figures, thousands apart; ``signed`` shows a plus too."""
    if not math.isfinite(value):
        return NOTHING
    sign = "+" if signed and value > 0 else ""
    if value and abs(value) < 0.0005:
        return f"{sign}{value:.1e}".replace("-", "−")
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    words = f"{value:,.{digits}f}"
    return (sign + (words.rstrip("0").rstrip(".") if "." in words else words)).replace("-", "−")


def interval(low: Any, high: Any, sign: int = 1) -> str:
    """Return ``[0.05, 0.19]``, mirrored where ``sign`` is -1; words where it is not known."""
    if number(low) == NOTHING or number(high) == NOTHING:
        return "[no interval]"
    ends = sorted((float(low) * sign, float(high) * sign))
    return f"[{figures(ends[0])},{TOGETHER}{figures(ends[1])}]"


def share_interval(low: Any, high: Any) -> str:
    """Return ``[22%, 79%]`` of shares from 0 to 1; words where it is not known."""
    if number(low) == NOTHING or number(high) == NOTHING:
        return "[no interval]"
    return f"[{float(low):.0%},{TOGETHER}{float(high):.0%}]"
