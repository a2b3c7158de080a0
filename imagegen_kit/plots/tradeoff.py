"""What better pictures, or quicker ones, cost: a point for each group, and those that nobody beats in all respects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.statistics import pareto_front
from imagegen_kit.plots.plot import COLOURS, INK, MARKERS, QUIET, Plot, from_zero, plain, usd_axis
from imagegen_kit.plots.rows import checked_run, rows_of
from imagegen_kit.tables.summaries import ITS_OWN, requests_where
from imagegen_kit.views.words import seconds, shortened, usd

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run


SLACK_S, SLACK = 0.05, 0.1  # below, a difference of seconds is the moment's, not the model's


def cost_latency(run: Run, by: str = "model", *, quality: str | None = None, higher_is_better: bool = True) -> Plot:
    """Plot the price of a picture against the middle of its seconds for each group of ``by``.

    ``quality`` names a numeric column of ``run.table()``, a score: then its mean stands on the upright axis. ``front``
    in the table marks the Pareto front: no other group is as good in price, seconds and quality and better in one;
    seconds that differ by less than 50 ms, or by less than a tenth, count as equal.
    Groups whose price or time is unknown are named below instead. Raises InvalidInput for an unknown column,
    and for what is no run.
    """
    checked_run(run)
    summary = run.summary(by)
    frame = summary[["pictures", "price_usd", "timed", "seconds_p50", "seconds_p90", "simulated"]].copy()
    if quality is not None:
        frame = frame.join(_quality(run, by, quality))
    upright = quality or "seconds_p50"
    goals = {"price_usd": 1, "seconds_p50": 1}
    if quality is not None:
        goals[quality] = -1 if higher_is_better else 1
    frame["front"] = pareto_front(frame.assign(seconds_p50=_steps(frame["seconds_p50"])), goals)
    drawn = frame[["price_usd", upright]].notna().all(axis=1)
    what = f"price and {quality or 'latency'} by {by}"
    notes = [f"not drawn, {_lacking(frame.loc[label], upright)}: {_name(label)}" for label in frame.index[~drawn]]
    if (frame["simulated"] > 0).any():
        notes.append("some of it is simulated: no real service was asked")
    if drawn.sum() > 1 and frame.loc[drawn, "front"].all():
        notes.append("nobody is beaten in all respects; a tenth of the seconds, or 50 ms, is no difference")
    nothing = "" if drawn.any() else f"nothing has both a price and {quality or 'a time'}"
    return Plot(
        what, frame, lambda axes, f: _draw(axes, f, upright), alt=_alt(what, frame, upright), notes=notes,
        nothing=nothing,
    )  # fmt: skip


def _steps(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return ``values``, those that are hardly longer than the first of their step being equal to it."""
    steps: dict[float, float] = {}
    first: float | None = None
    for value in sorted(values.dropna()):
        first = value if first is None or value - first > max(SLACK_S, SLACK * value) else first
        steps[value] = first
    return values.map(steps)


def _quality(run: Run, by: str, quality: str) -> pd.DataFrame:
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    table = rows_of(run, by)
    if quality not in table:
        names = [str(name) for name in table]
        scores = [name for name in names if name.startswith("score_")]
        raise InvalidInput([unknown_name_fault("column", quality, scores or names, where="quality")])
    if not is_numeric_dtype(table[quality]) or is_bool_dtype(table[quality]):
        raise InvalidInput([Fault("quality", f"{quality} holds no numbers.", "Name a score: score_….")])
    own = requests_where(run._store.journal, run.id, ITS_OWN)  # another model's picture proves nothing
    made = table[table["request"].isin(list(own))]
    groups = made[quality].groupby(made["group"])
    return pd.DataFrame({"scored": groups.count(), quality: groups.mean()})


def _draw(axes: Any, frame: pd.DataFrame, upright: str) -> None:
    drawn = frame[frame[["price_usd", upright]].notna().all(axis=1)]
    xs, ys = drawn["price_usd"].astype(float).tolist(), drawn[upright].astype(float).tolist()
    from_zero(axes, "x", xs)
    if min(ys, default=0) >= 0:
        from_zero(axes, "y", ys)
    usd_axis(axes.xaxis)
    free = ": nothing" if xs and not any(xs) else ""
    axes.set_xlabel(f"USD a picture, when bought{free}", fontsize=9, color=QUIET)
    axes.set_ylabel("seconds, p50 of what was timed" if upright == "seconds_p50" else upright, fontsize=9, color=QUIET)
    marked = not drawn["front"].all()  # a mark that all have says nothing
    best = sorted((x, y) for x, y, front in zip(xs, ys, drawn["front"], strict=True) if front)
    if len(best) > 1:
        axes.plot(*zip(*best, strict=True), color=QUIET, linewidth=1, linestyle="--", zorder=1)
    # A label spans to the right of its point, and keeps away from other labels and from the points themselves.
    placed = [tuple(axes.transData.transform(point) * 72 / axes.figure.dpi) for point in zip(xs, ys, strict=True)]
    for i, (label, row) in enumerate(drawn.iterrows()):
        x, y = xs[i], ys[i]
        axes.scatter(
            [x], [y], s=64, marker=MARKERS[i % len(MARKERS)], zorder=3,
            color=COLOURS[i % len(COLOURS)], edgecolors=INK if row["front"] and marked else "none", clip_on=False,
        )  # fmt: skip
        words = shortened(_name(label), 40) + (" (front)" if row["front"] and marked else "")
        axes.annotate(
            plain(words), (x, y), xytext=(8, _shift(axes, x, y, words, placed)), textcoords="offset points",
            fontsize=8.5, color=INK, va="center",
        )  # fmt: skip


def _shift(axes: Any, x: float, y: float, words: str, placed: list[tuple[float, float]]) -> float:
    """Return by how many points a label moves up or down so that it lies on no point and on no label that is there."""
    px, py = axes.transData.transform((x, y)) * 72 / axes.figure.dpi
    width = 8 + 5 * len(words)  # about 5 points a letter at this size
    for shift in (0, 12, -12, 24, -24, 36, -36, 48, -48):
        left = px + 3 if shift == 0 else px - 3
        if not any(left < ox < px + width and abs(py + shift - oy) < 11 for ox, oy in placed):
            break
    placed += [(px + step, py + shift) for step in range(8, width, 20)]
    return float(shift)


def _lacking(row: pd.Series, upright: str) -> str:
    import pandas as pd

    names = {"price_usd": "price unknown", "seconds_p50": "nothing was timed"}
    return " and ".join(
        names.get(name, f"no {name}") for name in ("price_usd", upright) if pd.isna(row[name])
    )  # fmt: skip


def _name(label: object) -> str:
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _alt(what: str, frame: pd.DataFrame, upright: str) -> str:
    import pandas as pd

    said = []
    for label, row in frame.iterrows():
        value = row[upright]
        shown = "unknown" if pd.isna(value) else seconds(value) if upright == "seconds_p50" else f"{value:.3g}"
        price = usd(None if pd.isna(row["price_usd"]) else row["price_usd"])
        said.append(f"{_name(label)}: {price}, {shown}{', on the front' if row['front'] else ''}")
    return f"{what}. " + "; ".join(said)
