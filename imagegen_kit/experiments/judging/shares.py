"""Shares of pairs won, by value, with intervals over prompts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.judging.numbers import resampled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from imagegen_kit.experiments.judging.verdicts import Verdict


def points_of(verdict: Verdict, values: Mapping[int, str]) -> dict[str, float]:
    """Return what each value got of a pair: 1 for the winner, 0 for the other, a half each for a tie."""
    left = {"left": 1.0, "right": 0.0}.get(verdict.choice or "", 0.5)
    return {values.get(verdict.left, "gone"): left, values.get(verdict.right, "gone"): 1.0 - left}


def shares(verdicts: Sequence[Verdict], values: Mapping[int, str]) -> dict[str, list[Any]]:
    """Return the columns of a judgement's summary, one place a value, the best first."""
    import numpy as np

    rows = []
    for value in sorted({name for v in verdicts for name in points_of(v, values)}):
        found = [(v, points_of(v, values)[value]) for v in verdicts if value in points_of(v, values)]
        points = np.array([point for _, point in found])

        def share(weights: np.ndarray[Any, Any], points: np.ndarray[Any, Any] = points) -> np.ndarray[Any, Any]:
            total = weights.sum(axis=1)
            return np.divide(weights @ points, total, out=np.full(len(total), np.nan), where=total > 0)

        mean, low, high = resampled([v.order for v, _ in found], share)
        wins, losses = int((points == 1).sum()), int((points == 0).sum())
        rows.append((value, len(found), wins, losses, len(found) - wins - losses, mean, low, high))
    rows.sort(key=lambda row: -row[5])
    names = ("value", "pairs", "wins", "losses", "ties", "share", "low", "high")
    return {
        name: [None if isinstance(row[i], float) and math.isnan(row[i]) else row[i] for row in rows]
        for i, name in enumerate(names)
    }
