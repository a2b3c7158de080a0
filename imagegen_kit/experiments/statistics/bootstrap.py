"""Paired differences, one a prompt, and how sure they are: bootstrap over prompts, all comparisons at once.

A resample is how often each prompt was drawn, so that the means of all resamples are one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

LEVEL = 0.95  # of every interval here
RESAMPLES = 9_999
FEW = 5  # below, no resampling tells anything: there are too few different resamples
DEGENERATE = 0.01  # share of resamples in which all prompts say the same, above which the studentized ones are not used
_AT_ONCE = 4_000_000  # counts in memory


@dataclass(frozen=True, slots=True)
class Interval:
    """An effect with its 95 % interval, its standard error and the two-sided p of "there is none".

    ``low`` and ``high`` are NaN where one prompt alone cannot tell; ``how`` names the method.
    """

    effect: float
    low: float
    high: float
    p: float
    error: float
    n: int
    how: str


def paired_means(differences: Sequence[Floats], *, resamples: int = RESAMPLES, seed: int = 0) -> list[Interval]:
    """Return the mean of each row of per-prompt differences, with its studentized bootstrap interval.

    Student's t stands in where there are fewer than five prompts, or where so few of them differ that many resamples
    have no spread. Equal input gives equal output: the resamples hang on ``seed`` alone. ``p`` is never below
    2^(1 - n): so often does a fair coin call n prompts alike.
    """
    import numpy as np

    found: dict[int, Interval] = {}
    rows = [np.asarray(d, float) for d in differences]
    for n, places in _by_length(rows).items():
        spread = {i: float(rows[i].std(ddof=1)) if n > 1 else 0.0 for i in places}
        plain = [i for i in places if n < FEW or not _differs(rows[i], spread[i])]
        found.update({i: _student(rows[i]) for i in plain})
        rest = [i for i in places if i not in found]
        if not rest:
            continue
        effects = np.array([rows[i].mean() for i in rest])
        units = np.array([spread[i] for i in rest])
        scaled = (np.stack([rows[i] for i in rest], axis=1) - effects) / units  # mean 0, standard deviation 1
        ts = np.concatenate([_studentized(counts, scaled, n) for counts in _counts(n, resamples, seed)])
        for k, i in enumerate(rest):
            t = ts[:, k]
            if np.isnan(t).mean() > DEGENERATE:
                found[i] = _student(rows[i])
                continue
            found[i] = _from_t(t[~np.isnan(t)], float(effects[k]), float(units[k]) / n**0.5, n)
    return [found[i] for i in range(len(rows))]


def paired_medians(differences: Sequence[Floats], *, resamples: int = RESAMPLES, seed: int = 0) -> list[Interval]:
    """Return the median of each row of per-prompt differences with its percentile bootstrap interval.

    For fewer than five prompts the interval spans all of them.
    """
    import numpy as np

    found: dict[int, Interval] = {}
    rows = [np.asarray(d, float) for d in differences]
    for n, places in _by_length(rows).items():
        if n < FEW:
            found.update({i: _span(rows[i]) for i in places})
            continue
        lower, upper = np.concatenate([_middles(counts, n) for counts in _counts(n, resamples, seed)], axis=1)
        for i in places:
            values = np.sort(rows[i])
            effect, medians = float(np.median(values)), (values[lower] + values[upper]) / 2
            low, high = np.quantile(medians, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            tail = 1 + min((medians <= 0).sum(), (medians >= 0).sum())
            p = max(min(1.0, 2.0 * float(tail) / (len(medians) + 1)), 2.0 ** (1 - n))
            found[i] = Interval(effect, float(low), float(high), p, float(medians.std()), n, "percentile bootstrap")
    return [found[i] for i in range(len(rows))]


def _by_length(rows: Sequence[Floats]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        if not len(row):
            raise ValueError("a comparison without a single prompt has no interval")
        found.setdefault(len(row), []).append(i)
    return found


def _differs(row: Floats, spread: float) -> bool:
    return spread > 1e-12 * float(abs(row).max())


def _counts(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each of ``n`` prompts was drawn, (some resamples, n) at a time, ``resamples`` in all."""
    import numpy as np

    chance = np.random.default_rng((seed, n))
    left = resamples
    while left:
        rows = min(left, max(1, _AT_ONCE // n))
        drawn = chance.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)
        left -= rows


def _studentized(counts: Floats, scaled: Floats, n: int) -> Floats:
    """Return t of each resample (rows) and comparison (columns); NaN where all that was drawn is equal."""
    import numpy as np

    means = counts @ scaled / n
    variance = counts @ scaled**2 / n - means**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 1e-9, means / np.sqrt(variance / (n - 1)), np.nan)


def _from_t(t: Floats, effect: float, error: float, n: int) -> Interval:
    import numpy as np

    low, high = np.quantile(t, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    seen = effect / error
    tail = 1 + min((t >= seen).sum(), (t <= seen).sum())
    p = max(min(1.0, 2.0 * float(tail) / (len(t) + 1)), 2.0 ** (1 - n))
    return Interval(effect, effect - float(high) * error, effect - float(low) * error, p, error, n, "bootstrap-t")


def _student(row: Floats) -> Interval:
    from scipy import stats

    n, effect = len(row), float(row.mean())
    if n == 1:
        return Interval(effect, float("nan"), float("nan"), 1.0, float("nan"), n, "one prompt")
    spread = float(row.std(ddof=1))
    if not _differs(row, spread):  # each prompt says exactly the same
        p = 1.0 if effect == 0 else 2.0 ** (1 - n)
        return Interval(effect, effect, effect, p, 0.0, n, "all alike")
    error = spread / n**0.5
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * error
    p = max(2 * float(stats.t.sf(abs(effect) / error, n - 1)), 2.0 ** (1 - n))
    return Interval(effect, effect - half, effect + half, p, error, n, "Student's t")


def _middles(counts: Floats, n: int) -> Any:
    """Return (2, resamples): which of the sorted prompts stand in the middle of each resample.

    That is the same whatever was measured, so it is found once for all.
    """
    import numpy as np

    below = np.cumsum(counts, axis=1)
    return np.stack([np.argmax(below >= k, axis=1) for k in ((n + 1) // 2, n // 2 + 1)])


def _span(row: Floats) -> Interval:
    import numpy as np

    n, effect = len(row), float(np.median(row))
    if n == 1:
        return Interval(effect, float("nan"), float("nan"), 1.0, float("nan"), n, "one prompt")
    p = 2.0 ** (1 - n) if (row > 0).all() or (row < 0).all() else 1.0
    return Interval(effect, float(row.min()), float(row.max()), p, float(row.std(ddof=1)) / n**0.5, n, "all of them")
