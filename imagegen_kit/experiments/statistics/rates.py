"""Shares: of wins, of successes; and what remains of p-values when many are looked at."""

from __future__ import annotations

import math
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
    # Rounding leaves 1e-17 where nothing succeeded, and 1 - 1e-16 where everything did.
    return 0.0 if successes <= 0 else max(0.0, float(low)), 1.0 if successes >= n else min(1.0, float(high))


def paired_rates(differences: Floats) -> Interval:
    """Return the mean of per-prompt differences of two shares, each in [-1, 1], with its 95 % interval.

    One sample a prompt: Tango's score interval, and the p of McNemar's test, which is its own. Several: the differences
    are fractions, and Bonett and Price's holds, for which two prompts are made up on which either side alone succeeds.
    Both hold where nearly all prompts agree, and no bootstrap would tell anything. ``p`` is never below 2^(1 - n);
    ``error`` is Bonett and Price's. Raises ValueError without a single prompt.
    """
    import numpy as np

    row = np.asarray(differences, float)
    n = len(row)
    if not n:
        raise ValueError("a comparison without a single prompt has no interval")
    effect = float(row.mean())
    longer = np.append(row, [1.0, -1.0])
    middle, error = float(longer.mean()), float(longer.std()) / (n + 2) ** 0.5
    if np.isin(row, (-1, 0, 1)).all():
        a_only, b_only = int((row > 0).sum()), int((row < 0).sum())
        low, high = tango(a_only, b_only, n)
        z, how = abs(a_only - b_only) / max(a_only + b_only, 1) ** 0.5, "Tango"
    else:
        low, high = max(-1.0, middle - Z * error), min(1.0, middle + Z * error)
        z, how = abs(middle) / error, "Bonett-Price"
    p = max(2 * (1 - NormalDist().cdf(z)), 2.0 ** (1 - n))
    return Interval(effect, low, high, min(1.0, p), error, n, how)


def tango(a_only: int, b_only: int, n: int) -> tuple[float, float]:
    """Return Tango's 95 % score interval (1998) of the difference of two paired shares.

    ``a_only`` and ``b_only`` of ``n`` prompts are those on which one side alone succeeds. Its ends are the differences
    that a score test would just not reject.
    """
    from scipy.optimize import brentq

    def score(difference: float) -> float:
        # the share of "b only" that is likeliest where the difference is what it is: a quadratic equation
        b = (2 * n - a_only + b_only) * difference - a_only - b_only
        c = -b_only * difference * (1 - difference)
        share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        return float((a_only - b_only - n * difference) / math.sqrt(max(variance, 1e-300)))

    seen = (a_only - b_only) / n
    low = -1.0 if b_only == n else brentq(lambda d: score(d) - Z, -1.0, seen)
    high = 1.0 if a_only == n else brentq(lambda d: score(d) + Z, seen, 1.0)
    return float(low), float(high)


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
