"""Shares: of wins, of successes; and what remains of p-values when many are looked at."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import MissingDependency
from imagegen_kit.experiments.statistics.bootstrap import LEVEL, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


def rate_interval(successes: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; half wins (ties) may be among ``successes``. NaN where n is 0."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return float("nan"), float("nan")
    low, high = proportion_confint(successes, n, alpha=1 - LEVEL, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def paired_rates(differences: Floats) -> Interval:
    """Return the mean of per-prompt differences of two shares, each in [-1, 1], as Bonett and Price tell its interval.

    Two prompts are made up, on which either side alone succeeds: so the interval holds where nearly all prompts agree,
    and no bootstrap would tell anything. ``p`` is of the same arithmetic, and never below 2^(1 - n).
    """
    import numpy as np

    row = np.asarray(differences, float)
    n, effect = len(row), float(row.mean())
    longer = np.append(row, [1.0, -1.0])
    middle, error = float(longer.mean()), float(longer.std()) / (n + 2) ** 0.5
    p = max(2 * (1 - NormalDist().cdf(abs(middle) / error)), 2.0 ** (1 - n)) if n else 1.0
    low, high = max(-1.0, middle - Z * error), min(1.0, middle + Z * error)
    return Interval(effect, low, high, min(1.0, p), error, n, "Bonett-Price")


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values that hold for all of them at once (Holm's step-down method)."""
    from statsmodels.stats.multitest import multipletests

    return [float(one) for one in multipletests(list(p), method="holm")[1]] if len(p) else []


def need_extra() -> None:
    """Raise MissingDependency, with the command that installs them, where the libraries of this package are missing."""
    try:
        import scipy.stats  # noqa: F401  # all that is needed is that they are there
        import statsmodels.stats.multitest  # noqa: F401  # the same
    except ImportError as error:
        install = "pip install 'imagegen-kit[metrics]'"
        raise MissingDependency("Statistics", error.name or "statsmodels", install) from error
