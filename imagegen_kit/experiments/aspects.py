"""Aspects by scenarios, as HEIM reports them: who wins how often, by metric and by category of prompts."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.comparing import compared_pairs
from imagegen_kit.experiments.contenders import compared
from imagegen_kit.experiments.metrics import SURVIVORS, doubted, metrics_named
from imagegen_kit.experiments.pairs import sides_of
from imagegen_kit.experiments.samples import SUCCESS, samples_of, texts

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.experiments.samples import Samples

ALL = "all"


def aspects(run: Run, by: object, metric: object) -> pd.DataFrame:
    """Return the table of ``Run.aspects``."""
    import pandas as pd

    samples = samples_of(run, compared(run, by))
    named = metrics_named(samples, metric)
    metrics = [metric for metric in named.metrics if metric.better]
    categories = list(dict.fromkeys(sample.category for sample in samples.found if sample.category is not None))
    words = texts(samples.values)
    rows: list[tuple[Any, ...]] = []
    for category in [*categories, ALL]:
        some = samples if category == ALL else _of(samples, category)
        found = compared_pairs(some, list(combinations(samples.values, 2)), metrics, intervals=False)
        for one in metrics:
            rates: dict[str, list[float]] = {value: [] for value in samples.values}
            prompts = 0
            for comparison in found:
                if comparison.metric is one and (wins := comparison.sides.wins()):
                    rates[comparison.sides.a].append(fmean(wins))
                    rates[comparison.sides.b].append(1 - fmean(wins))
                    prompts = max(prompts, len(wins))
            rows.append((one.name, category, prompts, *(fmean(rate) if rate else None for rate in rates.values())))
    rows.sort(key=lambda row: [m.name for m in metrics].index(row[0]))
    index = pd.MultiIndex.from_arrays([[row[i] for row in rows] for i in (0, 1)], names=["aspect", "scenario"])
    data: dict[Any, Any] = {"prompts": pd.array([row[2] for row in rows], dtype="Int64")}
    for i, value in enumerate(samples.values, 3):
        data[words[value]] = pd.array([row[i] for row in rows], dtype="Float64")
    frame = pd.DataFrame(data, index=index)
    frame.attrs.update({"by": samples.by, "unit": samples.units})
    frame.attrs["notes"] = [*named.notes, *doubted(metrics)]
    return frame


def head_to_head(run: Run, by: object, metric: object) -> pd.DataFrame:
    """Return the table of ``Run.head_to_head``."""
    import pandas as pd

    samples = samples_of(run, compared(run, by))
    named = metrics_named(samples, metric)
    if len(named.metrics) != 1:
        hint = f"Name one: {', '.join(m.name for m in named.metrics[:3])} …"
        raise InvalidInput([Fault("metric", f"{metric!r:.60} names {len(named.metrics)} metrics.", hint)])
    one = named.metrics[0]
    told = one.better and not (one.name == SUCCESS and samples.survivors)
    words = texts(samples.values)
    rates: dict[tuple[str, str], float] = {}
    prompts = []
    for a, b in combinations(samples.values, 2):
        wins = sides_of(samples, a, b, one).wins() if told else []
        prompts.append(len(wins))
        if wins:
            rates[a, b], rates[b, a] = fmean(wins), 1 - fmean(wins)
    data = {words[b]: pd.array([rates.get((a, b)) for a in words], dtype="Float64") for b in words}
    frame = pd.DataFrame(data, index=pd.Index(list(words.values()), name="wins of"))
    notes = [*named.notes, *doubted([one])]
    if one.better and not told:
        notes.append(f"Nobody wins by success: {SURVIVORS}.")
    elif not one.better:
        notes.append(f"Of {one.name} neither way is better, so nobody wins.")
    frame.attrs.update(
        {"by": samples.by, "metric": one.name, "better": one.better, "unit": samples.units,
         "prompts": (min(prompts), max(prompts)), "notes": notes}
    )  # fmt: skip
    return frame


def _of(samples: Samples, category: str) -> Samples:
    return replace(samples, found=[sample for sample in samples.found if sample.category == category])
