"""Any statistic of cases that hang together in groups, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.statistics.bootstrap import LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import numpy as np

DRAWS = 2000


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
        return value, float("nan"), float("nan")
    counts = np.random.default_rng(0).multinomial(len(names), [1 / len(names)] * len(names), size=DRAWS)
    drawn = statistic(counts[:, place].astype(float))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(drawn) else (float("nan"), float("nan"))
    return value, float(low), float(high)
