"""How far people agree, with each other and with themselves, beyond what chance would have them agree."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


def cohen_kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return Cohen's kappa of two raters' choices on the same units, in the same order.

    1 is full agreement, 0 what chance gives. NaN without units, and where both always chose the same: then chance
    agrees as much.
    """
    if len(one) != len(other):
        raise ValueError(f"{len(one)} choices of one rater and {len(other)} of the other are not on the same units")
    n = len(one)
    if n == 0:
        return float("nan")
    agreed = sum(a == b for a, b in zip(one, other, strict=True)) / n
    first, second = Counter(one), Counter(other)
    by_chance = sum(first[choice] * second[choice] for choice in first) / n**2
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def krippendorff_alpha(units: Iterable[Iterable[Hashable]]) -> float:
    """Return Krippendorff's alpha (nominal) of the choices that were made on each unit, by however many raters.

    1 is full agreement, 0 what chance gives, below 0 is systematic disagreement. Units with one choice tell nothing.
    NaN where no unit has two, and where all chose the same everywhere.
    """
    counts = [Counter(unit) for unit in units]
    counts = [count for count in counts if count.total() > 1]
    n = sum(count.total() for count in counts)
    if n == 0:
        return float("nan")
    # Of each unit with m choices, every ordered pair of different choices counts 1 / (m - 1): the coincidence matrix.
    observed = sum((count.total() ** 2 - sum(c * c for c in count.values())) / (count.total() - 1) for count in counts)
    all_of = Counter(chain.from_iterable(count.elements() for count in counts))
    expected = n**2 - sum(c * c for c in all_of.values())
    return 1 - (n - 1) * observed / expected if expected else float("nan")
