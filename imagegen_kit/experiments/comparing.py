"""Which one is better, and how sure that is: ``run.compare``, paired prompt by prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import compared
from imagegen_kit.experiments.metrics import metrics_named, why
from imagegen_kit.experiments.pairs import sides_of
from imagegen_kit.experiments.samples import SUCCESS, samples_of, texts
from imagegen_kit.experiments.statistics import (
    Interval,
    holm,
    need_extra,
    paired_means,
    paired_medians,
    paired_rates,
    prompts_missing,
    rate_interval,
)
from imagegen_kit.experiments.statistics.bootstrap import FEW, RESAMPLES
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from imagegen_kit.experiments.pairs import Sides
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.experiments.samples import Metric, Samples

SURE = 0.05  # p_holm below it is a claim
MANY = 10_000  # prompts, beyond which it is not worth telling how many are missing
FAILURES = ("leave", "lose")
OPEN = ("not enough", "too few", "no claim")  # how the verdicts begin that leave a comparison open
COLUMNS = {
    "a": "str", "b": "str", "metric": "str", "better": "str", "unit": "str", "of": "str", "a_value": "Float64",
    "b_value": "Float64", "effect": "Float64", "low": "Float64", "high": "Float64", "win_rate": "Float64",
    "win_low": "Float64", "win_high": "Float64", "n": "Int64", "prompts": "Int64", "p": "Float64", "p_holm": "Float64",
    "verdict": "str", "missing": "Int64", "unfair": "Int64", "a_lost": "Int64", "b_lost": "Int64", "a_failed": "Int64",
    "b_failed": "Int64", "method": "str", "win_n": "Int64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values and a metric, with what the paired prompts (``units``) say; ``seen`` None where none has both."""

    metric: Metric
    sides: Sides
    seen: Interval | None
    units: str = "prompt"


def compare(run: Run, by: object, a: object, b: object, metric: object, failures: object) -> pd.DataFrame:
    """Return the table of ``Run.compare``."""
    import pandas as pd

    need_extra()
    samples = samples_of(run, by := compared(run, by))
    pairs = _pairs(samples, a, b)
    named = metrics_named(samples, metric)
    if failures not in FAILURES:
        what = f"{failures!r:.40} is no way to count failures."
        raise InvalidInput([Fault("failures", what, 'Write "leave" (their own metric) or "lose" (they lose).')])
    found = compared_pairs(samples, pairs, named.metrics)
    notes = [*named.notes, *_notes(samples, found, pairs, by_default=named.by_default)]
    if named.by_default:
        found = [one for one in found if one.seen is not None]
    # Where no prompt differs nothing could have been claimed (Tarone), so it costs the others nothing.
    tested = [one for one in found if one.seen is not None and one.seen.n > 1 and any(one.sides.differences)]
    sure = dict(zip(map(id, tested), holm([one.seen.p for one in tested if one.seen]), strict=True))
    names = texts(samples.values)
    rows = [
        _row(one, names, sure.get(id(one)), len(tested), failures == "lose" and one.metric.name.startswith(PREFIX))
        for one in found
    ]
    data = {name: pd.array([row.get(name) for row in rows], dtype=kind) for name, kind in COLUMNS.items()}  # type: ignore[call-overload]  # a dtype by name
    frame = pd.DataFrame(data)
    frame.attrs.update({"by": by, "unit": samples.units, "tests": len(tested), "notes": notes})
    return frame


def compared_pairs(
    samples: Samples, pairs: Sequence[tuple[str, str]], metrics: Sequence[Metric], *, intervals: bool = True
) -> list[Comparison]:
    """Return each metric by each pair of recorded values; all intervals are found at once."""
    import numpy as np

    sides = [(m, sides_of(samples, a, b, m)) for m in metrics for a, b in pairs]
    resamples = max(RESAMPLES, int(4 / SURE) * len(sides))  # so that p can be small enough for the last of them
    seen: dict[int, Interval] = {}

    def tell(places: list[int], intervals_of: Callable[[list[Any]], list[Interval]]) -> None:
        seen.update(zip(places, intervals_of([np.array(sides[i][1].differences) for i in places]), strict=True))

    known = [i for i, (_, side) in enumerate(sides) if side.differences] if intervals else []
    rates = [i for i in known if sides[i][0].name == SUCCESS]
    tell(rates, lambda rows: [paired_rates(row) for row in rows])
    for of, intervals_of in (("mean", paired_means), ("median", paired_medians)):
        places = [i for i in known if i not in rates and sides[i][0].of == of]
        tell(places, partial(intervals_of, resamples=resamples))
    return [Comparison(m, s, seen.get(i), samples.units) for i, (m, s) in enumerate(sides)]


def _notes(
    samples: Samples, found: Sequence[Comparison], pairs: Sequence[tuple[str, str]], *, by_default: bool
) -> list[str]:
    """Return, in sentences, which rows are left out, and what no column says."""
    names = texts(samples.values)
    empty: dict[str, list[str]] = {}
    for one in found:
        if one.seen is None:
            empty.setdefault(one.metric.name, []).append(f"{names[one.sides.a]} and {names[one.sides.b]}")
    said = [name if len(of) == len(pairs) else f"{name} of {', '.join(of)}" for name, of in empty.items()]
    notes = []
    if said and (by_default or any(name.startswith(PREFIX) for name in empty)):
        notes.append(f"Nothing to compare, no {samples.units} has it on both sides: {'; '.join(said)}{why(empty)}.")
    medians = dict.fromkeys(one.metric.name for one in found if one.metric.of == "median" and one.seen is not None)
    if medians:
        what = f"the median of the {samples.units}s' differences, which is not the difference of the two medians"
        notes.append(f"Of {' and '.join(medians)} the effect (a − b) is {what}.")
    return notes


def _row(one: Comparison, names: dict[str, str], p_holm: float | None, tests: int, lose: bool) -> dict[str, Any]:
    sides, metric, seen = one.sides, one.metric, one.seen
    row: dict[str, Any] = {
        "a": names[sides.a], "b": names[sides.b], "metric": metric.name, "better": metric.better, "unit": metric.unit,
        "of": metric.of, "prompts": sides.prompts, "n": len(sides.differences), "unfair": sides.unfair,
        "a_lost": sides.lost[0], "b_lost": sides.lost[1], "a_failed": sides.failed[0], "b_failed": sides.failed[1],
    }  # fmt: skip
    if metric.better:
        wins = sides.wins(lose=lose)
        low, high = rate_interval(sum(wins), len(wins))
        row.update(win_rate=sum(wins) / len(wins) if wins else None, win_low=low, win_high=high, win_n=len(wins))
    missing = prompts_missing(seen, max(tests, 1), p=seen.p) if seen is not None else None
    row["verdict"] = verdict(one, p_holm, missing)
    if seen is not None:
        a_value, b_value = sides.values()
        row.update(
            a_value=a_value, b_value=b_value, effect=seen.effect, low=_bounded(seen.low, metric.span),
            high=_bounded(seen.high, metric.span),
            p=seen.p if seen.n > 1 else None, p_holm=1.0 if p_holm is None and seen.n > 1 else p_holm, method=seen.how,
            missing=missing if row["verdict"].startswith("not enough") else None,
        )  # fmt: skip
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}


def _bounded(end: float, span: float | None) -> float:
    """Return an end of an interval, no further from 0 than two numbers of the metric can lie apart."""
    return end if span is None or math.isnan(end) else max(-span, min(end, span))


def verdict(one: Comparison, p_holm: float | None, missing: int | None) -> str:
    """Return in words what may be claimed."""
    seen, metric = one.seen, one.metric
    if seen is None:
        return "nothing to compare"
    if metric.doubt:
        return f"{OPEN[2]}: {metric.doubt}"
    units = "set" if metric.sets else one.units
    if seen.n < FEW:
        return f"{OPEN[1]} {units}s: at least {FEW - seen.n} more"
    if p_holm is not None and p_holm < SURE and seen.effect:
        higher = "a" if seen.effect > 0 else "b"
        if not metric.better:
            return f"{higher} is higher"
        lower = "b" if higher == "a" else "a"
        return f"{higher if metric.better == 'higher' else lower} is better"
    if metric.unscored:
        return f"{OPEN[0]}: scoring is unfinished"
    if missing is None:
        return "no difference seen"
    return f"{OPEN[0]}: {f'over {MANY:,}' if missing > MANY else f'{missing:,}'} more {units}{'s' * (missing != 1)}"


def open_first(verdict: str, missing: float | None) -> tuple[int, float]:
    """Return by what verdicts that leave something open are sorted: what the least is missing for comes first."""
    kind = next((place for place, words in enumerate(OPEN) if verdict.startswith(words)), len(OPEN))
    return kind, missing or 0


def _pairs(samples: Samples, a: object, b: object) -> list[tuple[str, str]]:
    """Return the pairs of recorded values that ``a`` and ``b`` name; ``...``, or None where it is no value, is all."""
    names = texts(samples.values)
    a, b = (... if given is None and "null" not in names else given for given in (a, b))
    faults: list[Fault] = []

    def of(where: str, given: object) -> str | None:
        for value, words in names.items():
            if str(given) == words or (value == "null" and str(given) in ("None", "none")):
                return value
        faults.append(unknown_name_fault(f"{samples.by} of this run", given, names.values(), where=where))
        return None

    chosen = {where: of(where, given) for where, given in (("a", a), ("b", b)) if given is not ...}
    if faults:
        raise InvalidInput(faults)
    first, second = chosen.get("a"), chosen.get("b")
    if first is not None and first == second:
        raise InvalidInput([Fault("b", f"{b!r:.60} is a too.", "Name two, or leave one out: then it is all others.")])
    if first is not None and second is not None:
        return [(first, second)]
    if first is not None:
        return [(first, other) for other in samples.values if other != first]
    if second is not None:
        return [(other, second) for other in samples.values if other != second]
    return list(combinations(samples.values, 2))
