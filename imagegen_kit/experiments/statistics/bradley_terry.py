"""Strengths from votes: Bradley and Terry's model, ties as half a win of either, with intervals and tiers."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.statistics.bootstrap import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

PRIOR = 0.1  # wins that each is given against each other beforehand: who won all votes is not infinitely strong
HALF = 0.5  # the same where votes are drawn anew: three votes for one do not prove that nobody prefers the other
RESAMPLES = 1_000
SCALE, MIDDLE = 400 / log(10), 1000.0  # the scale of chess ratings, on which 70 points are a win rate of .6
_STEPS, _LONGEST, _CLOSE = 200, 2.0, 1e-9


@dataclass(frozen=True, slots=True)
class Strengths:
    """Strengths on the scale of chess ratings, mean 1000, with 95 % intervals.

    ``errors`` (k, k) are the standard errors of the differences in natural log-odds; ``unit`` is what was drawn anew
    where the intervals are wider on average: "prompt" or "vote".
    """

    values: Floats
    low: Floats
    high: Floats
    errors: Floats
    unit: str


def fit(wins: Floats, prior: float = PRIOR) -> Floats:
    """Return log-strengths, mean 0, (…, k) for ``wins`` (…, k, k): how often row won against column, ties half.

    The maximum of the likelihood, by Newton's method for all at once, with ``prior`` wins added to each ordered pair.
    Without a prior there is none where a group never lost, or never won, against the rest: those come out NaN.
    """
    import numpy as np

    k = wins.shape[-1]
    counts = wins + prior * (1 - np.eye(k))
    games = counts + np.swapaxes(counts, -1, -2)
    won = counts.sum(-1)
    s: Floats = np.zeros(wins.shape[:-1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(s[..., None, :] - s[..., :, None]))  # that row wins against column
        slope = won - (games * chance).sum(-1)
        weight = games * chance * (1 - chance)
        curve = -weight
        curve[..., range(k), range(k)] = weight.sum(-1)
        step = np.linalg.solve(curve + 1 / k + 1e-12 * np.eye(k), slope[..., None])[..., 0]
        step *= np.minimum(1, _LONGEST / np.maximum(abs(step).max(-1, keepdims=True), 1e-300))
        s = s + step
        if abs(step).max(initial=0) < _CLOSE:
            break
    else:
        s[abs(step).max(-1) >= _CLOSE] = np.nan
    centred: Floats = s - s.mean(-1, keepdims=True)
    return centred


def bradley_terry(
    by_prompt: Floats,
    votes: Sequence[tuple[int, int, float]] = (),
    *,
    prior: float = PRIOR,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Strengths:
    """Return strengths of k values from ``by_prompt`` (prompts, k, k): how often row won against column, ties half.

    Whole prompts are resampled, for votes on one prompt hang together. Where few prompts were voted on, or all say the
    same, those resamples are too much alike. So single ``votes``, (row, column, what row won: 1, ½ or 0), are also
    drawn anew, by the chances that half a vote more for either makes of them, and the wider interval counts.
    """
    import numpy as np

    chance = np.random.default_rng(seed)
    prompts, k = by_prompt.shape[:2]
    middle = fit(by_prompt.sum(0), prior)
    drawn = chance.multinomial(prompts, np.full(prompts, 1 / prompts), resamples)
    wins = {"prompt": (drawn @ by_prompt.reshape(prompts, k * k)).reshape(-1, k, k)}
    if votes:
        wins["vote"] = _drawn_votes(votes, k, resamples, chance)
    lows, highs, errors = [], [], []
    for counts in wins.values():
        s = fit(counts, prior)
        low, high = np.quantile(s, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        lows.append(np.minimum(low, middle))
        highs.append(np.maximum(high, middle))
        errors.append((s[:, :, None] - s[:, None, :]).std(0))
    wider = max(range(len(lows)), key=lambda i: float((highs[i] - lows[i]).mean()))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    values, low, high = (SCALE * one + MIDDLE for one in (middle, low, high))
    return Strengths(values, low, high, np.max(errors, axis=0), list(wins)[wider])


def _drawn_votes(votes: Sequence[tuple[int, int, float]], k: int, resamples: int, chance: Any) -> Floats:
    """Return (resamples, k, k) wins of as many votes on each pair, of which as many are ties."""
    import numpy as np

    given = np.array(votes, float)
    rows, columns = given[:, 0].astype(int), given[:, 1].astype(int)
    counts = np.zeros((k, k))
    np.add.at(counts, (np.minimum(rows, columns), np.maximum(rows, columns)), 1)
    wins = np.zeros((k, k))
    np.add.at(wins, (rows, columns), given[:, 2])
    np.add.at(wins, (columns, rows), 1 - given[:, 2])
    s = fit(wins, HALF)
    share = float((given[:, 2] == 0.5).mean())
    made = np.zeros((resamples, k, k))
    for i, j in zip(*np.nonzero(counts), strict=True):
        win = 1 / (1 + np.exp(s[j] - s[i]))
        tie = min(share, 2 * win, 2 - 2 * win)
        drawn = chance.multinomial(int(counts[i, j]), [win - tie / 2, tie, 1 - win - tie / 2], resamples)
        made[:, i, j] = drawn[:, 0] + drawn[:, 1] / 2
        made[:, j, i] = drawn[:, 2] + drawn[:, 1] / 2
    return made


def tiers(low: Sequence[float], high: Sequence[float]) -> list[int]:
    """Return the tier of each, 1 the best: who is in one tier is linked by intervals that overlap."""
    order = sorted(range(len(low)), key=lambda i: -high[i])
    found, tier, reach = [0] * len(low), 0, float("inf")
    for i in order:
        if high[i] < reach:
            tier += 1
        reach = low[i] if high[i] < reach else min(reach, low[i])
        found[i] = tier
    return found
