"""What was spent until when, against the budgets; and what it comes to by the month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.session import default_engine
from imagegen_kit.plots.plot import COLOURS, INK, MARKERS, QUIET, Plot, plain, usd_axis
from imagegen_kit.plots.rows import checked_run, rows_of
from imagegen_kit.settings import settings
from imagegen_kit.tables.projection import months_of, prices_of, projection_table
from imagegen_kit.types import SIMULATED
from imagegen_kit.views.words import count, said, shortened, usd, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run

SHORT_S = 120  # of a run whose time is told in seconds
# A result that a retry replaced was paid for as well.
_SPENT = (
    "SELECT s.created_at, u.id, r.model, s.status, s.cost_usd, s.cost_basis, "
    f"COALESCE(s.origin LIKE '{SIMULATED}%', 0) FROM results s JOIN runs u ON u.number = s.run "
    "JOIN requests r ON r.id = s.request WHERE (? IS NULL OR u.id = ?) ORDER BY s.created_at, s.request"
)


def spending(run: Run | None = None) -> Plot:
    """Plot what was spent, call after call, against the budgets in force; None: all runs of this session's store.

    The table has one row a result: when, run, model, status, ``cost_usd``, ``simulated``, and the running sums
    ``spent_usd`` (known costs of real calls) and ``unknown_costs``. What simulated calls would have cost is no money:
    it has a sum of its own, ``simulated_usd``. Raises InvalidInput for what is no run.
    """
    import pandas as pd

    if run is not None:
        checked_run(run)
    store = run._store if run is not None else default_engine().store
    store.journal.flush().result()
    only = run.id if run is not None else None
    rows = store.journal.read(_SPENT, (only, only))
    names = ("at", "run", "model", "status", "cost_usd", "cost_basis", "simulated")
    data = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {n: [] for n in names}
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(pd.Series(data["at"], dtype="str"), format="ISO8601", utc=True),
            **{name: pd.array(data[name], dtype="str") for name in ("run", "model", "status", "cost_basis")},
            "cost_usd": pd.array(data["cost_usd"], dtype="Float64"),
            "simulated": pd.array([bool(v) for v in data["simulated"]], dtype="boolean"),
        }
    )
    real, known = ~frame["simulated"], frame["cost_usd"].fillna(0.0)
    frame["spent_usd"] = known.where(real, 0.0).cumsum()
    frame["simulated_usd"] = known.where(~real, 0.0).cumsum()
    frame["unknown_costs"] = (frame["cost_usd"].isna() & real).cumsum()
    budgets = _budgets(run)
    what = "spending" if run is None else f"spending of {run.name or 'the run'}"
    spent, unknown = _last(frame, "spent_usd"), int(_last(frame, "unknown_costs"))
    words = f"{usd_sum(spent, unknown)} for {count(len(frame), 'result')}"
    notes = [words, *(f"{name}: {usd(limit)}" for name, limit in budgets.items())]
    if frame["simulated"].any():
        notes.append(f"simulated calls would have cost {usd(_last(frame, 'simulated_usd'))}; they are no money")
    alt = f"{what}, added up over time: " + "; ".join(notes)
    nothing = "" if frame["cost_usd"].notna().any() else "no cost is known"
    return Plot(what, frame, lambda axes, f: _draw_spending(axes, f, budgets), alt=alt, notes=notes, nothing=nothing)


def _last(frame: pd.DataFrame, name: str) -> float:
    return float(frame[name].iloc[-1]) if len(frame) else 0.0


def _budgets(run: Run | None) -> dict[str, float]:
    current = settings()
    found = {
        "budget of the run": run._spec.get("budget_usd") if run is not None else None,
        "budget of the session": current.budget_usd,
        "budget a day": current.budget_usd_per_day,
    }
    return {name: float(limit) for name, limit in found.items() if limit is not None}


def _draw_spending(axes: Any, frame: pd.DataFrame, budgets: dict[str, float]) -> None:
    at = _time_axis(axes, frame["at"])
    lines = [("spent_usd", "spent", "-")]
    if frame["simulated"].any():
        lines.append(("simulated_usd", "simulated, no money", "--"))
    for i, (name, label, style) in enumerate(lines):
        axes.step(at, frame[name].astype(float), where="post", color=COLOURS[i], linewidth=1.8, label=label, ls=style)
    unknown = frame[frame["cost_usd"].isna() & ~frame["simulated"]]
    if len(unknown):
        axes.scatter(
            at[unknown.index], unknown["spent_usd"].astype(float), marker="x", color=INK,
            s=30, zorder=3, label=f"{len(unknown):,} of unknown cost",
        )  # fmt: skip
    top = max([_last(frame, "spent_usd"), _last(frame, "simulated_usd")])
    for name, limit in budgets.items():
        axes.axhline(limit, color=INK, linewidth=1, linestyle=":", label=plain(f"{name}: {usd(limit)}"))
        top = max(top, limit)
    axes.set_ylim(0, top * 1.15 or 1)
    if not top:
        axes.set_yticks([0])  # a scale up to $1.00 would speak of money that nobody spent
    usd_axis(axes.yaxis)
    axes.set_ylabel("USD, added up", fontsize=9, color=QUIET)
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _time_axis(axes: Any, at: pd.Series[Any]) -> Any:
    """Return where each result stands on the time axis: in a short run in seconds, as no clock tells them apart."""
    first = at.iloc[0]
    if (at.iloc[-1] - first).total_seconds() < SHORT_S:
        axes.set_xlabel(f"seconds after the first answer, {first:%Y-%m-%d %H:%M:%S} UTC", fontsize=9, color=QUIET)
        return (at - first).dt.total_seconds().to_numpy()
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]  # matplotlib's own
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # the same
    axes.set_xlabel("time of the answer, UTC", fontsize=9, color=QUIET)
    return at.dt.tz_localize(None).to_numpy()


def projection(run: Run, pictures_per_item: float, items_per_month: int | Sequence[int], *, by: str = "model") -> Plot:
    """Plot what pictures like these come to by the month, for each group of ``by``; see ``Run.projection``.

    Groups with an unknown price are in the table (NA) and named below, not drawn. Raises InvalidInput for numbers that
    are not above 0, for an unknown column, and for what is no run.
    """
    import pandas as pd

    checked_run(run)
    months = months_of(items_per_month)
    labels = run.summary(by).index  # refuses an unknown name
    rows = rows_of(run, by)
    frames = {label: _months(rows[rows["group"] == label], pictures_per_item, months) for label in labels}
    frame = pd.concat(frames, names=[by]) if frames else _months(rows, pictures_per_item, months).iloc[:0]
    what = f"USD a month by {by}, {pictures_per_item:g} pictures an item"
    notes = [f"{said(label)}: price unknown" for label, f in frames.items() if f["usd_per_month"].isna().any()]
    alt = f"{what}. " + "; ".join(
        f"{said(label)}: " + ", ".join(f"{usd(v)} at {n:,} items" for n, v in f["usd_per_month"].dropna().items())
        for label, f in frames.items()
    )
    nothing = "" if frame["usd_per_month"].notna().any() else "no price is known"
    return Plot(what, frame, lambda axes, f: _draw_projection(axes, f, by), alt=alt, notes=notes, nothing=nothing)


def _months(rows: pd.DataFrame, pictures_per_item: float, months: list[int]) -> pd.DataFrame:
    return projection_table(*prices_of(rows), pictures_per_item, months, None)


def _draw_projection(axes: Any, frame: pd.DataFrame, by: str) -> None:
    for i, (label, part) in enumerate(frame.dropna(subset="usd_per_month").groupby(level=by, sort=False)):
        months = part.index.get_level_values("items_per_month").astype(int)
        values = part["usd_per_month"].astype(float)
        axes.plot(
            months, values, marker=MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], linewidth=1.6,
            label=plain(f"{shortened(said(label), 36)}: {usd(values.iloc[-1])} at {months[-1]:,}"),
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    usd_axis(axes.yaxis)
    axes.set_xlabel("items a month", fontsize=9, color=QUIET)
    axes.set_ylabel("USD a month", fontsize=9, color=QUIET)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False, loc="upper left")
