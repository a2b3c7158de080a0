"""Whether a judge can be believed at all: does it stick to its choice, and does it see what is plain to see?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.experiments.judging.controls import expected
from imagegen_kit.experiments.judging.verdicts import PAIR
from imagegen_kit.experiments.statistics import rate_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.experiments.judging.verdicts import Verdict

TRUSTED = 0.8  # the share of controls that a judge must get right
ENOUGH = 6  # controls: of fewer, chance alone may get all of them right
COIN = 0.5  # what a judge that does not look gets right


@dataclass(frozen=True, slots=True)
class Reliability:
    """Shares with their 95 % intervals (Wilson, the pair being the unit).

    ``pairs`` is how many pairs of the run were answered in both orders; controls count in ``flips`` and ``first`` too.
    ``flips`` is the share of pairs whose answer changed with the order of showing. ``first`` is the share of answers
    that name the picture shown first, of those that name one: .5 for a judge that does not care for the order. Both are
    None of no pairs. ``controls`` has (right, asked) by kind.
    """

    pairs: int
    flips: float | None
    flips_interval: tuple[float, float]
    first: float | None
    first_interval: tuple[float, float]
    controls: Mapping[str, tuple[int, int]]

    @property
    def right(self) -> int:
        """How many controls were right."""
        return sum(right for right, _ in self.controls.values())

    @property
    def asked(self) -> int:
        """How many controls were answered. One that the judge refused, or answered in another form, is not right."""
        return sum(asked for _, asked in self.controls.values())

    @property
    def position_bias(self) -> bool:
        """Whether the interval of ``first`` leaves out .5."""
        return self.first is not None and not self.first_interval[0] <= 0.5 <= self.first_interval[1]

    @property
    def trusted(self) -> bool | None:
        """Whether at least 80 % of the controls were right; None of so few that a coin may have done it."""
        if self.asked < ENOUGH:
            return None
        if self.right < TRUSTED * self.asked:
            return False
        return True if rate_interval(self.right, self.asked)[0] > COIN else None

    @property
    def notes(self) -> list[str]:
        """The same in sentences."""
        said = []
        if self.asked:
            kinds = ", ".join(f"{kind} {right}/{asked}" for kind, (right, asked) in sorted(self.controls.items()))
            low, high = rate_interval(self.right, self.asked)
            said.append(f"Controls: {self.right} of {self.asked} right [{low:.0%}, {high:.0%}] ({kinds}).")
        if self.trusted is False:
            said.append(f"Do not trust this judge: it got fewer than {TRUSTED:.0%} of the controls right.")
        elif self.trusted is None:
            why = (
                f"fewer than {ENOUGH} controls were asked"
                if self.asked < ENOUGH
                else "a coin may have got so many right"
            )
            said.append(f"Nobody knows whether this judge can be trusted: {why}.")
        if self.flips is not None:
            low, high = self.flips_interval
            said.append(
                f"The answer changed with the order in {self.flips:.0%} [{low:.0%}, {high:.0%}] of the pairs asked."
            )
        if self.first is not None:
            low, high = self.first_interval
            biased = ": it leans to a position" if self.position_bias else ""
            said.append(f"Answers that name the first picture: {self.first:.0%} [{low:.0%}, {high:.0%}]{biased}.")
        return said


def reliability_of(verdicts: Sequence[Verdict]) -> Reliability:
    """Return what the verdicts tell of their judge. Flips and positions count the controls too."""
    complete = [v for v in verdicts if v.complete]
    flipped = sum(bool(v.flipped) for v in complete)
    naming = [[a == "first" for a in v.answers if a != "tie"] for v in complete]
    naming = [found for found in naming if found]
    firsts, answers = sum(map(sum, naming)), sum(map(len, naming))
    first = firsts / answers if answers else None
    controls: dict[str, tuple[int, int]] = {}
    for verdict in verdicts:
        if verdict.kind != PAIR and (verdict.complete or verdict.declined):
            right, asked = controls.get(verdict.kind, (0, 0))
            good = verdict.choice is not None and expected(verdict.kind, verdict.choice)
            controls[verdict.kind] = right + good, asked + 1
    return Reliability(
        sum(v.kind == PAIR for v in complete),
        flipped / len(complete) if complete else None,
        rate_interval(flipped, len(complete)),
        first,
        rate_interval((first or 0.0) * len(naming), len(naming)),
        controls,
    )
