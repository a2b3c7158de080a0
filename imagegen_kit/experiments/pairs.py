"""Two values of a parameter, set against each other prompt by prompt: nothing is sampled here, only averaged."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from imagegen_kit.experiments.samples import Metric, Sample, Samples

# Scorers compute in float32, of which a number is known to 1.2e-7 of itself: what lies closer than a few such roundings
# is equal, and so is what lies closer than one in the whole range that a metric has, for numbers near 0.
ALIKE, ALIKE_OF_SPAN = 1e-6, 1e-7


@dataclass(frozen=True, slots=True)
class Sides:
    """What ``a`` and ``b`` say by one metric. A prompt's number is the mean of its contexts, each the mean of samples.

    ``of_prompts`` has, for each prompt on which both were asked, either's number (None where it has none) and the share
    of its samples that failed. ``unfair`` counts the prompts of which a sample was not sent as it was asked, and not
    alike on both sides; ``lost`` the samples of either without a number, ``failed`` those that failed.
    """

    a: str
    b: str
    metric: Metric
    of_prompts: Sequence[tuple[float | None, float | None, float, float]]
    unfair: int
    lost: tuple[int, int]
    failed: tuple[int, int]

    @property
    def prompts(self) -> int:
        """On how many prompts both were asked."""
        return len(self.of_prompts)

    @property
    def paired(self) -> list[tuple[float, float]]:
        """The numbers of the prompts on which both have one."""
        return [(a, b) for a, b, _, _ in self.of_prompts if a is not None and b is not None]

    @property
    def differences(self) -> list[float]:
        """What a is more than b, a number for each prompt on which both have one."""
        return [self._difference(a, b) for a, b in self.paired]

    def values(self) -> tuple[float, float]:
        """Return the mean, or the median, of either over the prompts on which both have a number."""
        middle = median if self.metric.of == "median" else fmean
        first, second = zip(*self.paired, strict=True)
        return float(middle(first)), float(middle(second))

    def wins(self, *, lose: bool = False) -> list[float]:
        """Return what a wins of each prompt: 1, ½ or 0. With ``lose``, whoever failed loses to whoever did not.

        Where a share of the samples failed, that is what one sample of either, drawn at random, would win.
        """
        found = []
        for a, b, a_failed, b_failed in self.of_prompts:
            known = None if a is None or b is None else self._win(a, b)
            if not lose:
                if known is not None:
                    found.append(known)
                continue
            both = (1 - a_failed) * (1 - b_failed)
            if known is None and both:  # somebody's came and has no number: that is no defeat
                continue
            found.append(both * (known or 0) + b_failed * (1 - a_failed) + a_failed * b_failed / 2)
        return found

    def _win(self, a: float, b: float) -> float:
        difference = self._difference(a, b) * (1 if self.metric.better == "higher" else -1)
        return 0.5 if difference == 0 else float(difference > 0)

    def _difference(self, a: float, b: float) -> float:
        rounding = max(ALIKE * max(abs(a), abs(b)), ALIKE_OF_SPAN * (self.metric.span or 0))
        return 0.0 if abs(a - b) <= rounding else a - b


def sides_of(samples: Samples, a: str, b: str, metric: Metric) -> Sides:
    """Return what the recorded values ``a`` and ``b`` say by ``metric``, on the contexts in which both were asked."""
    asked = {value: _by_context(samples, value) for value in (a, b)}
    shared = [context for context in asked[a] if context in asked[b]]
    prompts: dict[Hashable, list[Hashable]] = {}
    for context in shared:
        sides = [asked[value][context][0].unit_of(metric) for value in (a, b)]
        prompts.setdefault(tuple(sides) if metric.sets else sides[0], []).append(context)
    rows = []
    unfair = 0
    lost, failed = [0, 0], [0, 0]
    for contexts in prompts.values():
        numbers: list[list[float]] = [[], []]
        shares = []
        for i, value in enumerate((a, b)):
            there = [sample for context in contexts for sample in asked[value][context]]
            lost[i] += sum(metric.name not in sample.numbers for sample in there)
            failed[i] += sum(sample.failed for sample in there)
            shares.append(fmean(sample.failed for sample in there))
        for context in contexts:
            means = [_mean(asked[value][context], metric.name) for value in (a, b)]
            if means[0] is not None and means[1] is not None:
                numbers[0].append(means[0])
                numbers[1].append(means[1])
        both = [fmean(side) if side else None for side in numbers]
        rows.append((both[0], both[1], shares[0], shares[1]))
        unfair += any(_unfair(asked[a][context], asked[b][context]) for context in contexts)
    return Sides(a, b, metric, rows, unfair, (lost[0], lost[1]), (failed[0], failed[1]))


def _by_context(samples: Samples, value: str) -> Mapping[Hashable, list[Sample]]:
    found: dict[Hashable, list[Sample]] = {}
    for sample in samples.found:
        if sample.value == value:
            found.setdefault(sample.context, []).append(sample)
    return found


def _mean(samples: Sequence[Sample], name: str) -> float | None:
    known = [sample.numbers[name] for sample in samples if name in sample.numbers]
    return fmean(known) if known else None


def _unfair(first: Sequence[Sample], second: Sequence[Sample]) -> bool:
    """Return whether a sample was changed in a way that weakens the comparison, and its counterpart otherwise."""
    others = {sample.place: sample for sample in second}
    pairs = [(sample, others[sample.place]) for sample in first if sample.place in others]
    return any((one.unfair or other.unfair) and one.told != other.told for one, other in pairs)
