"""Which metrics a comparison shows where none is named, and what has to be said of the others."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.samples import SUCCESS
from imagegen_kit.registry import get_registry
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imagegen_kit.experiments.samples import Metric, Samples

SURVIVORS = "only pictures that came are here, and nobody told how many did not"


@dataclass(frozen=True, slots=True)
class Named:
    """The metrics to be compared, in their order, and ``notes``: sentences on what is left out or unfinished.

    ``by_default`` says that nobody named them.
    """

    metrics: Sequence[Metric]
    notes: Sequence[str]
    by_default: bool


def metrics_named(samples: Samples, metric: object) -> Named:
    """Return the metrics that ``metric`` names: a name, a pattern ("score_sketch_*"), or several; None: the main ones.

    Those are success, price and seconds, then each scorer's own number; a scorer without one has all of its numbers.
    What has no number, and what neither way is better, is left to be named. Raises InvalidInput for unknown names.
    """
    if metric is None:
        metrics, notes = _main(samples)
        return Named(metrics, [*samples.notes, *_unfinished(metrics), *notes], by_default=True)
    names = [metric] if isinstance(metric, str) else list(metric) if isinstance(metric, (list, tuple)) else []
    if not names:
        hint = f"There are: {', '.join(samples.metrics)}."
        raise InvalidInput([Fault("metric", f"{metric!r:.40} names no metric.", hint)])
    found: dict[str, Metric] = {}
    faults = []
    for name in names:
        fitting = [known for known in samples.metrics if known == name or fnmatchcase(known, str(name))]
        if not fitting and name in samples.other:
            what = f"{name} is {samples.other[name]}, not numbers."
            faults.append(Fault("metric", what, "Give the column numbers, 1 and 0 say, and open the table again."))
        elif not fitting:
            fault = unknown_name_fault("metric of this run", name, samples.metrics)
            score = " A score is there after run.score(…)." * str(name).startswith("score")
            faults.append(Fault("metric", fault.what, fault.hint + score))
        found.update({known: samples.metrics[known] for known in fitting})
    if faults:
        raise InvalidInput(faults)
    return Named(list(found.values()), [*samples.notes, *_unfinished(found.values())], by_default=False)


def _main(samples: Samples) -> tuple[list[Metric], list[str]]:
    numbers = {name for sample in samples.found for name in sample.numbers}
    specs = get_registry().scorers()
    shown, empty, aside = [], [], []
    parts: dict[str, int] = {}
    for name, metric in samples.metrics.items():
        # "score_sketch_ink" is a part of "score_sketch", unless a scorer of its own has that name
        whole = [o for o in samples.metrics if o.startswith(PREFIX) and name.startswith(f"{o}_")]
        if name == SUCCESS and samples.survivors:
            continue
        if name not in numbers:
            empty.append(name)
        elif whole and name.removeprefix(PREFIX) not in specs:
            parts[whole[0]] = parts.get(whole[0], 0) + 1
        elif not metric.better:
            aside.append(name)
        else:
            shown.append(metric)
    notes = [f"success is left out: {SURVIVORS}."] * samples.survivors
    notes += [f"No picture has a number: {', '.join(empty)}{why(empty)}."] * bool(empty)
    left = [f'{n} part{"s" * (n != 1)} of {whole} (metric="{whole}_*")' for whole, n in parts.items()]
    left += [f"{', '.join(aside)}, where neither way is better (metric=[…])"] * bool(aside)
    return shown, notes + [f"Left out unless named: {'; '.join(left)}."] * bool(left)


def why(names: Iterable[str]) -> str:
    """Return where it is told why there are no numbers by these names, "" where that is nowhere."""
    return " (run.scores() says why)" * any(name.startswith(PREFIX) for name in names)


def _unfinished(metrics: Iterable[Metric]) -> list[str]:
    """Return in sentences which scores are not there yet, and what goes on with them."""
    lacking: dict[tuple[str, int], list[str]] = {}
    for metric in metrics:
        if metric.unscored:
            lacking.setdefault((_scorer_of(metric.name), metric.unscored), []).append(metric.name)
    return [
        f"Scoring is unfinished: {count:,} picture{'s have' if count != 1 else ' has'} no {' and no '.join(names)} "
        f"yet. run.score({scorer}) goes on."
        for (scorer, count), names in lacking.items()
    ]


def doubted(metrics: Iterable[Metric]) -> list[str]:
    """Return in sentences by which metrics nothing may be claimed; ``compare`` says so in its verdicts."""
    return [f"No claim by {metric.name}: {metric.doubt}." for metric in metrics if metric.doubt]


def _scorer_of(column: str) -> str:
    """Return the scorer of a column as it is written in a call, "…" where it is not installed."""
    name = column.removeprefix(PREFIX)
    return next((f'"{spec.name}"' for spec in get_registry().scorers().values() if name in spec.columns), "…")
