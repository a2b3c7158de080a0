"""Tables: amounts in words, empty columns left out; on a terminal of 120 characters long texts are shortened.

Where standard output is a file or a pipe nothing is cut.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

from imagegen_kit.cli.saying import say
from imagegen_kit.views.words import count, said, seconds, shortened, usd, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run

WIDTH = 120
NARROWEST = 8  # a column below this says nothing
MOST_LINES = 40


def print_table(frame: pd.DataFrame, *, empty: str = "nothing", more: int = 0, whole: Sequence[str] = ()) -> None:
    """Print ``frame``, on a terminal in lines of 120 characters; ``more`` rows are only counted.

    Where the columns do not fit, those that are to be read ``whole`` stand below their rows.
    """
    if frame.empty:
        say(empty)
        return
    columns = [[", ".join(map(str, frame.index.names)) if frame.index.names[0] else "", *map(_label, frame.index)]]
    numbers = [False]
    for name in frame.columns:
        column = frame[name].astype(object)
        if _nothing(frame[name]):
            continue
        known = column.where(column.notna(), None)
        columns.append([str(name), *(" ".join(_words(str(name), value).split()) for value in known)])
        numbers.append(frame[name].dtype.kind in "iuf")
    widths = [max(map(len, column)) for column in columns]
    below: list[list[str]] = []
    if sys.stdout.isatty():
        if _total(widths) > WIDTH and whole:
            below = [column for column in columns if column[0] in whole]
            numbers = [number for number, column in zip(numbers, columns, strict=True) if column[0] not in whole]
            columns = [column for column in columns if column[0] not in whole]
            widths = [max(map(len, column)) for column in columns]
        while _total(widths) > WIDTH and max(widths) > NARROWEST:
            widths[widths.index(max(widths))] -= 1
    for row, line in enumerate(zip(*columns, strict=True)):
        cells = [
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(map(shortened, line, widths), widths, numbers, strict=True)
        ]
        say("  ".join(cells).rstrip())
        for name, *texts in below if row else ():
            if text := texts[row - 1]:
                wrapped = textwrap.wrap(f"{name}: {text}", WIDTH - 4, break_on_hyphens=False)
                say(textwrap.indent("\n".join(wrapped), "    "))
    if more > 0:
        say(f"… and {more:,} more")


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def parameters_in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``frame`` with recipe parameters, which stand before ``repeat``, as words; a missing one is ``none``."""
    names = frame.columns[: list(frame.columns).index("repeat")]
    known = frame[names].astype(object)
    return frame.assign(**{str(name): known[name].where(known[name].notna(), None).map(said) for name in names})


def _label(value: Any) -> str:
    return ", ".join(map(said, value)) if isinstance(value, tuple) else said(value)


def _nothing(column: pd.Series[Any]) -> bool:
    return bool((column.isna() | (column == "")).all()) and not str(column.name).endswith("_usd")


def _words(name: str, value: Any) -> str:
    if name.endswith("_usd"):
        return usd(None if value is None else float(value))
    if value is None:
        return ""
    if "seconds" in name:
        return seconds(float(value))
    return f"{value:.3g}" if isinstance(value, float) else said(value)


def print_run(run: Run, by: Sequence[str]) -> None:
    """Print a run's name, its counts, its cost, and the summary by ``by``."""
    from imagegen_kit.views.rows import counted

    summary = run.summary(list(by) if len(by) > 1 else by[0])
    numbers = counted(run)
    cells = count(run.cells, "cell") if run.done == run.cells else f"{run.done:,} of {count(run.cells, 'cell')}"
    statuses = ", ".join(f"{n:,} {status}" for status, n in numbers.by_status.items()) or "nothing yet"
    cost = usd_sum(numbers.known_usd, numbers.unknown_costs)
    say(f"{run.name or 'run'}: {cells} · {statuses} · cost {cost}")
    kept = ["pictures", "ok", "cached", "fallback", "placeholder", "failed", "unfair", "seconds_p50", "seconds_p90"]
    counts = [c for c in kept[3:7] if not summary[c].any()]
    print_table(summary[[*kept, "cost_usd"]].drop(columns=counts), empty="no pictures yet")
