"""How far people agree, with each other and with themselves, beyond what chance would have them agree."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    import numpy as np

    Numbers = np.ndarray[Any, Any]


def cohen_kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return Cohen's kappa of two raters' choices on the same units, in the same order.

    1 is full agreement, 0 what chance gives. NaN without units, and where both always chose the same: then chance
    agrees as much.
    """
    import numpy as np

    if len(one) != len(other):
        raise ValueError(f"{len(one)} choices of one rater and {len(other)} of the other are not on the same units")
    if not one:
        return float("nan")
    numbers = {choice: number for number, choice in enumerate(dict.fromkeys(chain(one, other)))}
    first, second = (np.array([numbers[choice] for choice in side]) for side in (one, other))
    return float(weighted_kappa(first, second, np.ones((1, len(one))))[0])


def weighted_kappa(one: Numbers, other: Numbers, weights: Numbers) -> Numbers:
    """Return Cohen's kappa for each row of ``weights`` (draws, n), how often each case counts; NaN where undefined.

    ``one`` and ``other`` are the (n,) choices of two raters as whole numbers.
    """
    import numpy as np

    total = weights.sum(axis=1)
    agreed = (weights * (one == other)).sum(axis=1) / total
    chance = sum(
        (weights * (one == c)).sum(axis=1) * (weights * (other == c)).sum(axis=1) for c in np.union1d(one, other)
    ) / (total * total)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (agreed - chance) / (1 - chance), np.nan)


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
