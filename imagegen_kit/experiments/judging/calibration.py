"""A judge against people: how often both choose the same of a pair, and whose pictures it likes more than they do."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.experiments.pairing import AGAIN, parameter_of
from imagegen_kit.experiments.statistics import rate_interval, resampled, weighted_kappa
from imagegen_kit.experiments.voting import JUDGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imagegen_kit.experiments.judging.verdicts import Verdict
    from imagegen_kit.experiments.run import Run

ENOUGH = 50  # votes: below, agreement is known to no better than a fifth
TIE = 0  # no request has this number
FEWEST = 10  # pairs, before a liking is told: of two or three, drawing again knows nothing
_PEOPLE = (
    "SELECT pair, rater, left_request, right_request, choice FROM votes WHERE run = ? AND undone_at IS NULL "
    "AND blind = 1 AND choice != 'skip' AND rater NOT LIKE ? || '%' ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Agreement with people on ``pairs`` pairs, on which ``votes`` blind votes of ``raters`` people stand.

    Several people's votes on a pair count as what most of them say, no majority and "both bad" as a tie. ``agreement``
    is the share of pairs with the same choice (interval: Wilson), ``kappa`` Cohen's (interval: pairs drawn again 2,000
    times), at 95 %; None where they cannot be told. ``leanings`` has each value's share of wins by judge and by people.
    """

    pairs: int
    votes: int
    raters: int
    agreement: float | None
    agreement_interval: tuple[float, float] | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    leanings: tuple[tuple[str, float, float, float, float | None, float | None], ...]

    @property
    def calibrated(self) -> bool:
        """Whether at least 50 votes stand on the judged pairs."""
        return self.votes >= ENOUGH

    @property
    def note(self) -> str:
        """What has to be said beside every score of this judge."""
        if self.agreement is None:
            return f"Not calibrated: people have not voted on these pairs; {ENOUGH} votes are needed."
        said = [f"agrees with people on {self.agreement:.0%} of {self.pairs:,} pairs"]
        if self.kappa is not None and self.kappa_interval is not None:
            said[0] += f" (kappa {self.kappa:.2f} [{self.kappa_interval[0]:.2f}, {self.kappa_interval[1]:.2f}])"
        said += [
            f"likes {name} more than people do, by {difference:.0%} [{low:.0%}, {high:.0%}] of its pairs"
            for name, _, _, difference, low, high in self.leanings
            if low is not None and high is not None and low > 0 and self.pairs >= FEWEST
        ]
        least = "" if self.calibrated else f"Not calibrated: fewer than {ENOUGH} votes ({self.votes}). "
        return f"{least}The judge {'; it '.join(said)}."

    def table(self) -> pd.DataFrame:
        """Return one row a value: share of pairs won by the judge and by people, their difference with its interval."""
        import pandas as pd

        names = ("judge", "people", "difference", "low", "high")
        numbers: list[list[Any]] = [list(row[1:]) for row in self.leanings]
        columns = {n: pd.array([row[i] for row in numbers], dtype="Float64") for i, n in enumerate(names)}
        return pd.DataFrame(columns, index=pd.Index([row[0] for row in self.leanings], name="value", dtype="str"))


def calibrate(run: Run, by: str, verdicts: Sequence[Verdict], values: Mapping[int, str]) -> Calibration:
    """Return how ``verdicts`` compare with the votes of people that stand now."""
    said, votes, raters = people(run, by)
    both = [(v, said[v.pair]) for v in verdicts if v.pair in said]
    asked = {v.pair for v, _ in both}
    n, who = sum(votes[pair] for pair in asked), {rater for pair in asked for rater in raters[pair]}
    if not both:
        return Calibration(0, 0, 0, None, None, None, None, ())
    import numpy as np

    # Sides are balanced, so that by chance two raters agree in half of the pairs, whichever value is better.
    mine = np.array([_points({"left": v.left, "right": v.right}.get(v.choice or "", TIE), v) for v, _ in both])
    theirs = np.array([_points(won, v) for v, won in both])
    names = [v.pair for v, _ in both]
    same = (mine == theirs).astype(float)
    agreed = float(same.mean())
    k, *about_k = resampled(names, lambda w: weighted_kappa(mine, theirs, w))
    found = []
    for value in sorted({values.get(r, "gone") for v, _ in both for r in (v.left, v.right)}):
        places = [i for i, (v, _) in enumerate(both) if value in (values.get(v.left), values.get(v.right))]
        sides = np.array([values.get(both[i][0].left) == value for i in places])
        judge = np.where(sides, mine[places], 2 - mine[places]) / 2
        humans = np.where(sides, theirs[places], 2 - theirs[places]) / 2
        gap = judge - humans
        difference, low, high = resampled([names[i] for i in places], lambda w, gap=gap: w @ gap / w.sum(axis=1))  # type: ignore[misc]  # bound now
        found.append((value, float(judge.mean()), float(humans.mean()), difference, _known(low), _known(high)))
    return Calibration(
        len(both), n, len(who), agreed, rate_interval(agreed * len(both), len(both)), _known(k), _interval(about_k),
        tuple(sorted(found, key=lambda row: -row[3])),
    )  # fmt: skip


def people(run: Run, by: str) -> tuple[dict[str, int], dict[str, int], dict[str, set[str]]]:
    """Return which request most people prefer of each pair (``TIE``: neither), how many voted, and who."""
    said: dict[str, Counter[int]] = defaultdict(Counter)
    raters: dict[str, set[str]] = defaultdict(set)
    for pair, rater, left, right, choice in run._store.journal.read(_PEOPLE, (run._number, JUDGE)):
        if parameter_of(pair) == by and not pair.endswith(AGAIN):
            said[pair][{"left": left, "right": right}.get(choice, TIE)] += 1
            raters[pair].add(rater)
    found = {}
    for pair, counts in said.items():
        (first, most), *others = counts.most_common()
        found[pair] = TIE if others and others[0][1] == most else first
    return found, {pair: counts.total() for pair, counts in said.items()}, raters


def _points(won: int, verdict: Verdict) -> int:
    """Return 2 where the left request won, 1 for a tie, 0 where the right one won."""
    return 1 if won == TIE else 2 if won == verdict.left else 0


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def _interval(found: Sequence[float]) -> tuple[float, float] | None:
    return None if any(map(math.isnan, found)) else (found[0], found[1])
