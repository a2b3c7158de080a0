"""How long pictures took: each one a dot, the middle and the slow tenth marked; cached ones counted, not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.plots.plot import COLOURS, INK, QUIET, Plot, from_zero, plain
from imagegen_kit.plots.rows import checked_run, rows_of
from imagegen_kit.tables.summaries import TIMED, requests_where
from imagegen_kit.views.words import said, seconds, shortened

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run


def latency(run: Run, by: str = "model") -> Plot:
    """Plot the seconds of each timed picture for each group of ``by``, with p50 and p90 as in ``run.summary``.

    Timed is what was really called and answered by the model that was asked; cached pictures, fallbacks and failures
    are in the table (``timed`` False) and counted at the head of each lane. Raises InvalidInput for an unknown column,
    and for what is no run.
    """
    checked_run(run)
    summary = run.summary(by)  # refuses an unknown name
    frame = rows_of(run, by)
    data = frame[["group", "status", "seconds"]].copy()
    data["group"] = [said(value) for value in data["group"]]
    data["timed"] = frame["request"].isin(list(requests_where(run._store.journal, run.id, TIMED)))
    marks = {
        said(label): (row["seconds_p50"], row["seconds_p90"], int(row["timed"]), int(row["cached"]))
        for label, row in summary.iterrows()
    }
    what = f"latency by {by}"
    alt = f"{what}. " + "; ".join(_words(group, mark) for group, mark in marks.items())
    nothing = "" if data["timed"].any() else "nothing was timed"
    notes = [_words(group, mark) for group, mark in marks.items()] if nothing else []  # else the lanes' heads say it
    return Plot(what, data, lambda axes, f: _draw(axes, f, marks), alt=alt, notes=notes, nothing=nothing)


def _words(group: str, mark: tuple[Any, Any, int, int]) -> str:
    p50, p90, timed, cached = mark
    times = f"p50 {seconds(p50)}, p90 {seconds(p90)} of {timed:,} timed" if timed else "nothing was timed"
    return f"{group}: {times}" + (f"; {cached:,} cached, not timed" if cached else "")


def _draw(axes: Any, data: pd.DataFrame, marks: dict[str, tuple[Any, Any, int, int]]) -> None:
    groups = list(marks)
    timed = data[data["timed"]]
    everything = timed["seconds"].astype(float).tolist()
    from_zero(axes, "x", everything)
    for lane, group in enumerate(groups):
        values = timed.loc[timed["group"] == group, "seconds"].astype(float).tolist()
        # Dots of one lane lie on seven lines in turn, so that equal times can be counted.
        heights = [lane + ((i * 3) % 7 - 3) * 0.05 for i in range(len(values))]
        axes.scatter(values, heights, s=14, alpha=0.6, color=COLOURS[lane % len(COLOURS)], linewidths=0, zorder=2)
        p50, p90, count, _ = marks[group]
        for value, style in ((p50, "-"), (p90, ":")):
            if count:
                axes.plot([value, value], [lane - 0.3, lane + 0.3], color=INK, linewidth=1.6, linestyle=style, zorder=3)
    # A lane's numbers stand at its head, where no dot can lie on them.
    heads = [f"{shortened(g, 32)}\n{_words('', marks[g]).removeprefix(': ')}" for g in groups]
    axes.set_yticks(range(len(groups)), [plain(head) for head in heads], fontsize=8)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("seconds from sending to the answer (│ p50, ┊ p90)", fontsize=9, color=QUIET)
