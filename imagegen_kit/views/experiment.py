"""An experiment before it runs: how much, how long, and which axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.limits import DEFAULT_CONCURRENCY
from imagegen_kit.errors import ImagegenError
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import settings
from imagegen_kit.types import Style
from imagegen_kit.views.markup import Markup, box, lines, small, table, text
from imagegen_kit.views.words import count, said, seconds, shortened, usd_sum

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.experiment import Experiment

PLANNED_CELLS = 500  # beyond that a plan takes too long for a look
VALUES = 8


def show_experiment(experiment: Experiment) -> str:
    """Show ``12 cells · est. $0.47, 2 unknown · ≈ 40 s`` and the axes."""
    grid = experiment.grid
    facts = [count(len(grid), "cell")]
    if len(grid) <= PLANNED_CELLS:
        facts += _estimates(experiment)
    if experiment.budget_usd is not None:
        facts.append(f"budget ${experiment.budget_usd:,.2f}")
    name = f"<b>{text(experiment.name)}</b> · " if experiment.name else ""
    rows = [_row(axis, list(grid.values(axis)), "varied") for axis in grid.varied]
    rows += [_row(axis, [value], "fixed") for axis, value in grid.fixed.items()]
    if grid.repeats > 1:
        rows.append((text("repeats"), text(grid.repeats), text("")))
    recipe = experiment.recipe.name.rpartition(":")[2]
    about = small(text(f"recipe {recipe}; .plan() has each cell, .run() runs them"))
    return box(lines(name + text(" · ".join(facts))), table(rows, ["parameter", "values", ""]), lines(about))


def _row(name: str, values: list[Any], how: str) -> tuple[Markup, Markup, Markup]:
    words = list(dict.fromkeys(_value(v) for v in values))
    listed = " | ".join(words[:VALUES]) + (f" | … {len(words) - VALUES} more" if len(words) > VALUES else "")
    return text(name), text(listed), text(count(len(words), "value") if how == "varied" else how)


def _value(value: Any) -> str:
    if isinstance(value, Style):
        return value.name
    return shortened(said(value) if isinstance(value, (str, list, tuple, type(None), bool)) else repr(value), 60)


def _estimates(experiment: Experiment) -> list[str]:
    try:
        plan = experiment.plan()
    except ImagegenError as error:  # a look must not fail; run() says the same and stops
        return [f"no estimate: {shortened(error, 120)}"]
    unknown = int(plan["estimated_usd"].isna().sum())
    facts = [f"est. {usd_sum(float(plan['estimated_usd'].sum()), unknown)}"]
    duration, untimed = _duration(experiment, plan)
    if untimed < len(plan):
        facts.append(f"≈ {seconds(duration)}" + (f", {untimed} unknown" if untimed else ""))
    facts += [f"{int(plan[name].sum())} in the cache" for name in ("cached",) if plan[name].any()]
    refused = int((plan["refused"] != "").sum())
    facts += [f"{refused} refused"] if refused else []
    return [*facts, "at least: the recipe looks at its pictures"] if plan["lower_bound"].any() else facts


def _duration(experiment: Experiment, plan: pd.DataFrame) -> tuple[float, int]:
    """Return the seconds of the slowest model, its calls side by side, and how many cells nobody can time."""
    timed = plan[plan["estimated_seconds"].notna()]
    default = experiment.grid.fixed.get("model") or settings().model
    asked = timed["model"].fillna(default) if "model" in timed else timed["estimated_seconds"].map(lambda _: default)
    known = {name: m for m in get_registry().models() for name in (m.id, *m.spec.aliases)}
    longest = 0.0
    for model, group in timed.groupby(asked):
        found = known.get(str(model))
        at_once = experiment.policy.concurrency or (found and found.spec.concurrency) or DEFAULT_CONCURRENCY
        longest = max(longest, float(group["estimated_seconds"].sum()) / min(at_once, len(group)))
    return longest, len(plan) - len(timed)
