"""A run against what it is held to: limits, and margins to a baseline, each with an interval over prompts.

Three answers, because a few pictures cannot prove a percentage: it ``holds`` where the whole 95 % interval is on the
right side, it ``fails`` where the whole interval is on the wrong one, and else it is ``unclear``. What nobody can tell
(a price that is not known) is ``unknown``, which is no pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from textwrap import shorten
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.comparing import compared_pairs
from imagegen_kit.experiments.contenders import label_of, parameters_of
from imagegen_kit.experiments.requirements import TOTAL, Limit, Margin, Requirements
from imagegen_kit.experiments.samples import LATENCY, PRICE, SUCCESS, Samples, all_samples, samples_of, texts
from imagegen_kit.experiments.statistics import (
    paired_means,
    paired_medians,
    prompts_missing,
    rate_interval,
    rate_missing,
)
from imagegen_kit.experiments.statistics.bootstrap import FEW
from imagegen_kit.tables.scores import NOT_SCORED, PREFIX

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.experiments.samples import Metric, Sample

HOLDS, FAILS, UNCLEAR, UNKNOWN = "holds", "fails", "unclear", "unknown"
_NOTHING: dict[str, str] = {
    LATENCY: "nothing was called: all of it came from the cache, or failed",
    PRICE: "no picture came that has a price",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement of one group: what was seen, its 95 % interval (None: it has none), and what follows."""

    title: str
    outcome: str
    words: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def check_run(run: Run, asked: Requirements, baseline: Run | None = None) -> list[Finding]:
    """Return one finding for each requirement and group. Raises InvalidInput with all that cannot be checked."""
    groups = _groups(run, asked.by)
    known = groups[0][1].metrics
    before = dict(_groups(baseline, asked.by)) if baseline is not None else {}
    named = dict.fromkeys([*(limit.metric for limit in asked.limits), *(margin.metric for margin in asked.margins)])
    faults = [
        unknown_name_fault("metric of this run", name, [*known, TOTAL], where="check")
        for name in named
        if name not in known and name != TOTAL
    ]
    faults += [
        Fault("check", f"neither way is better for {m.metric}, so there is no worse.", "Write limits below require:.")
        for m in asked.margins
        if m.metric in known and not known[m.metric].better
    ]
    if faults:
        raise InvalidInput(faults)
    found = []
    for name, samples in groups:
        where = f" [{asked.by}={name}]" if asked.by else ""
        for limit in asked.limits:
            if limit.metric != TOTAL:
                one = _limited(limit, samples, known[limit.metric], where)
                reason = "" if one.outcome == HOLDS else _reason(run, limit.metric)
                found.append(replace(one, words=one.words + reason))
        for margin in asked.margins:
            one_run = baseline is not None and baseline.id == run.id
            found.append(_compared(margin, samples, before.get(name), known[margin.metric], where, one_run=one_run))
    return found + [_total(limit, run) for limit in asked.limits if limit.metric == TOTAL]


def _groups(run: Run, by: str | None) -> list[tuple[str, Samples]]:
    """Return the samples by group, with what the group is called; "" where all are one."""
    if by is None:
        return [("", all_samples(run))]
    values = {known[by] for known in parameters_of(run).values() if by in known}
    if len(values) == 1:  # nothing is compared within a run here, so one value is a group as well
        return [(label_of(values.pop()), all_samples(run))]
    samples = samples_of(run, by)
    names = texts(samples.values)
    return [
        (
            names[value],
            replace(samples, values=[""], found=[replace(s, value="") for s in samples.found if s.value == value]),
        )
        for value in samples.values
    ]


def _limited(limit: Limit, samples: Samples, metric: Metric, where: str) -> Finding:
    title = f"{limit}{where}"
    made = [s for s in samples.found if not s.failed]
    lacking = sum(metric.name not in s.numbers for s in made)
    if metric.name == PRICE and lacking:
        return Finding(title, UNKNOWN, f"{title}: the price of {lacking} of {len(made)} pictures is not known")
    rows = list(_by_unit(samples.found, metric))
    if not rows:
        said = _NOTHING.get(metric.name, "no picture has this number")
        return Finding(title, UNKNOWN, f"{title}: {said}")
    value, low, high, missing = _interval(rows, metric, limit)
    outcome = UNCLEAR
    if low is not None and high is not None:
        right = [limit.allows(end) for end in (low, high)]
        outcome = HOLDS if all(right) else UNCLEAR if any(right) else FAILS
    also = f", {lacking} pictures without a number" if lacking and metric.name.startswith("score_") else ""
    said = f"{outcome}, {_lacking(missing, samples.units)}" if outcome == UNCLEAR else outcome
    words = f"{title}: {_seen(value, low, high, metric)}, {_count(len(rows), samples.units)}{also}: {said}"
    return Finding(title, outcome, words, value, low, high, len(rows))


def _reason(run: Run, metric: str) -> str:
    """Return in words what most often kept pictures from coming, or from having this number; "" where nothing did."""
    if metric == SUCCESS:
        told = run.table()["error"]
    elif metric.startswith(PREFIX):
        scores = run.scores()
        lacking = scores[(scores["measure"] == metric) & scores["value"].isna()]
        came = lacking[~lacking["reason"].isin(NOT_SCORED.values())]  # what did not come says nothing of the scorer
        told = (came if len(came) else lacking)["reason"]
    else:
        return ""
    counts = Counter(map(str, told.dropna()))
    if not counts:
        return ""
    ((why, often),) = counts.most_common(1)
    without = "failed" if metric == SUCCESS else "without a number"
    return f". {often:,} of {counts.total():,} {without}: {shorten(why, 300, placeholder=' …')}"


def _interval(
    rows: Sequence[float], metric: Metric, limit: Limit
) -> tuple[float, float | None, float | None, int | None]:
    """Return what was seen, its interval, and how many more prompts would tell it from the limit."""
    import numpy as np

    if metric.name == SUCCESS:
        return fmean(rows), *rate_interval(sum(rows), len(rows)), rate_missing(sum(rows), len(rows), limit.value)
    (seen,) = (paired_medians if metric.of == "median" else paired_means)([np.array(rows)])
    if seen.n == 1:
        return seen.effect, None, None, FEW - 1
    return seen.effect, seen.low, seen.high, prompts_missing(replace(seen, effect=seen.effect - limit.value))


def _lacking(missing: int | None, units: str) -> str:
    """Return in words how many prompts are missing; None where what was seen is the limit itself."""
    if missing is None:
        return "it lies on the limit itself, which no number of prompts tells apart"
    return f"about {_count(missing, f'more {units}')} would tell, if it stays so"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'s' * (number != 1)}"


def _by_unit(found: Sequence[Sample], metric: Metric) -> Iterator[float]:
    """Yield one number for each prompt, or set where the metric is one of sets: the mean of its samples."""
    units: dict[Hashable, list[float]] = {}
    for sample in found:
        if metric.name in sample.numbers:
            units.setdefault(sample.unit_of(metric), []).append(sample.numbers[metric.name])
    yield from (fmean(numbers) for numbers in units.values())


def _same(samples: Samples, before: Samples, *, one_run: bool) -> tuple[int, int]:
    """Return how many pictures are the baseline's own, not made again, and how many there are."""
    known = {sample.picture[0] for sample in before.found if sample.picture}
    pictures = [sample.picture for sample in samples.found if sample.picture]
    return sum(sha256 in known and (cached or one_run) for sha256, cached in pictures), len(pictures)


def _compared(
    margin: Margin, samples: Samples, before: Samples | None, metric: Metric, where: str, *, one_run: bool
) -> Finding:
    title = f"{margin}{where}"
    if before is None or metric.name not in before.metrics:
        what = "this group" if before is None else f"a {metric.name}"
        return Finding(title, UNKNOWN, f"{title}: the baseline has not got {what}")
    same, pictures = _same(samples, before, one_run=one_run)
    those = f"{same:,} of {_count(pictures, 'picture')} {'is that' if pictures == 1 else 'are those'} of the baseline"
    if same and same == pictures:
        what = "nothing was made anew. Change a model, style or prompt, or write policy: {cache: false}"
        return Finding(title, UNKNOWN, f"{title}: {those}, {what}")
    both = replace(
        samples,
        values=["new", "old"],
        found=[replace(s, value=v) for v, side in (("new", samples), ("old", before)) for s in side.found],
    )
    (one,) = compared_pairs(both, [("new", "old")], [metric])
    if one.seen is None:
        return Finding(title, UNKNOWN, f"{title}: no prompt has this number in both runs")
    now, then = one.sides.values()
    allowed = margin.value * (abs(then) if margin.relative else 1)
    seen, sign = one.seen, 1 if metric.better == "lower" else -1  # what is worse is above zero
    worst, best = (seen.high, sign * seen.low) if sign == 1 else (-seen.low, -seen.high)
    outcome = UNCLEAR
    if seen.n > 1:
        outcome = HOLDS if worst <= allowed else FAILS if best > allowed else UNCLEAR
    # what is worse than the margin by as much as was seen, or short of it
    beyond = replace(seen, effect=sign * seen.effect - allowed)
    missing = FEW - 1 if seen.n == 1 else prompts_missing(beyond)
    said = f"{outcome}, {_lacking(missing, samples.units)}" if outcome == UNCLEAR else outcome
    interval = f" [{_signed(seen.low)}, {_signed(seen.high)}]" if seen.n > 1 else ""
    middle = "median of differences " if metric.of == "median" else ""
    words = f"{title}: {now:.4g} after {then:.4g}, {middle}{_signed(seen.effect)}{interval}, "
    words += f"{_count(seen.n, samples.units)}{f', {those}' * bool(same)}: {said}"
    return Finding(title, outcome, words, seen.effect, seen.low, seen.high, seen.n)


def _signed(value: float) -> str:
    return f"{value:+.4g}" if float(f"{value:.4g}") else "0"


def _total(limit: Limit, run: Run) -> Finding:
    prices = run.table()["price_usd"]
    unknown = int((prices.isna() & run.table()["sha256"].notna()).sum())
    if unknown:
        return Finding(str(limit), UNKNOWN, f"{limit}: the price of {unknown} of {len(prices)} answers is not known")
    value = float(prices.sum())
    outcome = HOLDS if limit.allows(value) else FAILS
    return Finding(str(limit), outcome, f"{limit}: ${value:.4g}: {outcome}", value, value, value, len(prices))


def _seen(value: float, low: float | None, high: float | None, metric: Metric) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    interval = "" if low is None or high is None else f" [{low:.4g}, {high:.4g}]"
    return f"{'median ' if metric.of == 'median' else ''}{value:.4g}{interval}{unit}"
