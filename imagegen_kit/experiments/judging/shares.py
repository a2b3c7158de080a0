"""Shares of pairs won, by value, with intervals: the prompt is the unit, for pictures of one prompt are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.statistics import rate_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.experiments.judging.verdicts import Verdict


def points_of(verdict: Verdict, values: Mapping[int, str]) -> dict[str, float]:
    """Return what each value got of a pair: 1 for the winner, 0 for the other, a half each for a tie."""
    left = {"left": 1.0, "right": 0.0}.get(verdict.choice or "", 0.5)
    return {values.get(verdict.left, "gone"): left, values.get(verdict.right, "gone"): 1.0 - left}


def shares(verdicts: Sequence[Verdict], values: Mapping[int, str]) -> dict[str, list[Any]]:
    """Return the columns of a judgement's summary, one place a value, the best first."""
    points: dict[str, list[float]] = {}
    orders: dict[str, set[str]] = {}
    for verdict in verdicts:
        for value, point in points_of(verdict, values).items():
            points.setdefault(value, []).append(point)
            orders.setdefault(value, set()).add(verdict.order)
    rows = []
    for value, found in points.items():
        mean, wins, losses = sum(found) / len(found), found.count(1.0), found.count(0.0)
        interval = rate_interval(mean * len(orders[value]), len(orders[value]))
        rows.append((value, len(found), wins, losses, len(found) - wins - losses, mean, *interval))
    rows.sort(key=lambda row: (-row[5], row[0]))
    names = ("value", "pairs", "wins", "losses", "ties", "share", "low", "high")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
