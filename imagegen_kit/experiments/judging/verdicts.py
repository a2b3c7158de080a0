"""What a judge said of each pair, read from its run in the journal: two answers, and what they come to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidReply
from imagegen_kit.recipes.judging import read_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.experiments.run import Run

PAIR = "pair"  # the kind of what is to be judged; all others are controls
DECLINED = ("InvalidReply", "ContentBlocked")
_SIDES = ({"first": "left", "second": "right", "tie": "tie"}, {"first": "right", "second": "left", "tie": "tie"})
_ENDS = (
    "SELECT p.value, e.error FROM cells c JOIN cell_params p ON p.cell = c.id AND p.name = 'about' "
    "LEFT JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 WHERE c.run = ? ORDER BY c.position"
)


@dataclass(slots=True)
class Verdict:
    """What came of one pair. ``answers`` are "first", "second" or "tie" as they were given, in both orders.

    ``left`` and ``right`` are requests of the judged run; ``reasons`` the words for each criterion, by answer.
    """

    pair: str
    kind: str
    left: int
    right: int
    order: str
    answers: list[str] = field(default_factory=list)
    reasons: list[Mapping[str, str]] = field(default_factory=list)
    model_used: str | None = None
    cost_usd: float | None = 0.0
    error: str | None = None
    cause: str | None = None  # the kind of that error: ContentBlocked, InvalidReply, …
    declined: bool = False  # the judge answered, and it was no verdict: it refused, or broke the form

    @property
    def choices(self) -> tuple[str, ...]:
        """Which side each answer names: "left", "right" or "tie"."""
        return tuple(_SIDES[number][answer] for number, answer in enumerate(self.answers))

    @property
    def complete(self) -> bool:
        """Whether both orders were judged."""
        return len(self.answers) == 2

    @property
    def choice(self) -> str | None:
        """What the two answers come to: where they differ a tie; None where one is missing."""
        if not self.complete:
            return None
        one, other = self.choices
        return one if one == other else "tie"

    @property
    def flipped(self) -> bool | None:
        """Whether the answer changed with the order of showing; None where one is missing."""
        return len(set(self.choices)) == 2 if self.complete else None


def read_verdicts(judging: Run) -> list[Verdict]:
    """Return the verdicts of a judging run, in the order of its grid; pairs that were not asked yet are left out."""
    judging._flush()
    found: dict[str, Verdict] = {}
    for about, error in judging._store.journal.read(_ENDS, (judging._number,)):
        known = json.loads(about)
        verdict = Verdict(known["pair"], known["kind"], known["left"], known["right"], known["order"], error=error)
        found[verdict.pair] = verdict
    for result in judging:
        verdict = found[result.request.labels["pair"]]
        _take(verdict, result, judging)
    return list(found.values())


def _take(verdict: Verdict, result: Any, judging: Run) -> None:
    """Add one answer to its verdict."""
    cost = result.cost.usd
    verdict.cost_usd = None if cost is None or verdict.cost_usd is None else verdict.cost_usd + cost
    verdict.model_used = result.model_used or verdict.model_used
    if result.status == "fallback":
        verdict.error = "answered by another model"
    elif not result.ok:
        verdict.error = result.error or verdict.error or result.status
        verdict.cause = result.error_type
        verdict.declined = verdict.cause in DECLINED
    elif len(verdict.answers) == result.step:  # the second answer alone is none
        try:
            said = read_verdict(result.data, judging._spec["fixed"]["criteria"], result.request.model)
        except InvalidReply as error:
            verdict.error, verdict.declined, verdict.cause = str(error), True, type(error).__name__
        else:
            verdict.answers.append(said["choice"])
            verdict.reasons.append(said["reasons"])
