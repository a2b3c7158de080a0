"""Tables for a terminal of 120 characters: amounts in words, long texts shortened, empty columns left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from imagegen_kit.views.words import count, said, seconds, shortened, usd, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run

WIDTH = 120
MOST_LINES = 40


def print_table(frame: pd.DataFrame, *, empty: str = "nothing", more: int = 0) -> None:
    """Print ``frame`` so that its lines fit 120 characters; ``more`` rows are only counted."""
    import pandas as pd

    if frame.empty:
        typer.echo(empty)
        return
    frame = frame.loc[:, [c for c in frame.columns if not _nothing(frame[c])]]
    words = pd.DataFrame(
        {
            name: [_words(str(name), None if pd.api.types.is_scalar(v) and pd.isna(v) else v) for v in frame[name]]
            for name in frame.columns
        },
        index=[shortened(said(i) if not isinstance(i, tuple) else ", ".join(map(said, i)), 40) for i in frame.index],
        dtype=object,
    )
    heads = ", ".join(str(name) for name in frame.index.names if name)
    for length in (80, 60, 45, 35, 28, 22, 16, 12):
        text = words.map(lambda v, length=length: shortened(v, length)).to_string(justify="left")
        first, _, rest = text.partition("\n")
        if max(map(len, text.splitlines())) <= WIDTH:
            break
    typer.echo(
        (
            heads.ljust(len(first) - len(first.lstrip())) + first.lstrip()
            if len(heads) < len(first) - len(first.lstrip())
            else first
        )
        + "\n"
        + rest
    )
    if more > 0:
        typer.echo(f"… and {more:,} more")


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
    typer.echo(f"{run.name or 'run'}: {cells} · {statuses} · cost {cost}")
    kept = ["pictures", "ok", "cached", "fallback", "placeholder", "failed", "unfair", "seconds_p50", "seconds_p90"]
    counts = [c for c in kept[3:7] if not summary[c].any()]
    print_table(summary[[*kept, "cost_usd"]].drop(columns=counts), empty="no pictures yet")
