"""The few numbers that tell what a judge is worth: shares with their intervals, agreement beyond chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import numpy as np

Z = 1.959963984540054  # of a two-sided 95 % interval
DRAWS = 2000


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``n`` independent cases (Wilson 1927); (0, 1) of none."""
    if n <= 0:
        return 0.0, 1.0
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def kappa(
    one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
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


def resampled(
    groups: Sequence[Hashable], statistic: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
) -> tuple[float, float, float]:
    """Return a statistic and its 95 % interval: whole groups of cases are drawn again 2,000 times, seed 0.

    ``statistic`` takes weights (draws, n) and returns one number a draw. Of fewer than two groups the interval is NaN.
    """
    import numpy as np

    names = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    place = np.array([names[group] for group in groups])
    value = float(statistic(np.ones((1, len(groups))))[0])
    if len(names) < 2:
        return value, math.nan, math.nan
    counts = np.random.default_rng(0).multinomial(len(names), [1 / len(names)] * len(names), size=DRAWS)
    drawn = statistic(counts[:, place].astype(float))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (math.nan, math.nan)
    return value, float(low), float(high)
