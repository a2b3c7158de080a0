"""How many prompts or votes a difference needs to be told."""

from __future__ import annotations

import math
from bisect import bisect_left
from statistics import NormalDist

from imagegen_kit.experiments.statistics.bootstrap import Interval
from imagegen_kit.experiments.statistics.rates import rate_interval

POWER, ALPHA = 0.8, 0.05
MOST = 1_000_000  # prompts, beyond which nobody looks


def votes_needed(win_rate: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Return how many votes tell a win rate from one half, two-sided, with that power: 194 for .6 (normal theory)."""
    if not 0 < win_rate < 1 or win_rate == 0.5:
        raise ValueError("a win rate of 0.5, 0 or 1 is told by no number of votes")
    z, of_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    spread = z * 0.5 + of_power * math.sqrt(win_rate * (1 - win_rate))
    return math.ceil((spread / (win_rate - 0.5)) ** 2)


def prompts_missing(
    seen: Interval, tests: int = 1, power: float = POWER, alpha: float = ALPHA, *, p: float | None = None
) -> int | None:
    """Return how many more prompts would tell an effect as large as the one that was seen, with that power.

    ``tests`` is among how many comparisons it must stand. None where no effect was seen, or where one prompt cannot
    tell how much they differ. Never fewer than a fair coin must fall alike, for below that no test claims anything,
    and where ``p`` is given, the p that was seen, than it needs to become small enough at the same rate.
    """
    if seen.effect == 0 or math.isnan(seen.error):
        return None
    coin = 2.0 ** (1 - seen.n)  # no p is below it
    needed = math.floor(1 - math.log2(alpha / tests)) + 1
    if seen.error > 0:
        z, of_power = NormalDist().inv_cdf(1 - alpha / 2 / tests), NormalDist().inv_cdf(power)
        needed = max(needed, math.ceil(seen.n * ((z + of_power) * seen.error / seen.effect) ** 2))
        if p is not None and coin < p < 1:
            needed = max(needed, math.ceil(seen.n * (z / NormalDist().inv_cdf(1 - p / 2)) ** 2))
    return max(1, needed - seen.n)


def rate_missing(successes: float, n: int, limit: float) -> int | None:
    """Return how many more prompts tell a share from ``limit`` by Wilson's interval, where it stays what was seen.

    None where it is the limit itself, or where a million would not do.
    """
    share = successes / n

    def told(count: int) -> bool:
        low, high = rate_interval(share * count, count)
        return limit < low or limit > high

    if share == limit or not told(n + MOST):
        return None
    return 1 + bisect_left(range(1, MOST), True, key=lambda more: told(n + more))
