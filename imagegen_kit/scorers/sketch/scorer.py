"""The scorer ``sketch``: the rules of a sketch as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.sketch.limits import changed, limits_of
from imagegen_kit.scorers.sketch.needed import needed
from imagegen_kit.scorers.sketch.report import measured
from imagegen_kit.scorers.sketch.rules import RULES

if TYPE_CHECKING:
    from imagegen_kit.types import Style


class SketchScorer:
    """Scores sketches by their rules.

    ``limits`` go before the rules' own, and ``style`` (its name) brings those of its checks. ``feature`` says in what
    the limits differ from the rules' own. Raises InvalidInput for unreadable ones, MissingDependency without the extra.
    """

    def __init__(self, limits: Mapping[str, Any] | None = None, style: str | Style | None = None) -> None:
        needed()
        self.limits = limits_of(limits, style)
        self.feature = changed(self.limits)

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return the share of rules that passed, whether all did, and each rule's number."""
        return [self._answer(subject) for subject in subjects]

    def _answer(self, subject: Subject) -> Answer:
        report = measured(subject.image, self.limits)
        answer: dict[str, float | Measurement | None] = {
            "": Measurement(report.share, feature=self.feature, details={"rules": report.to_plain()}),
            "passed": Measurement(float(report.passed), feature=self.feature),
        }
        found = {rule.name: rule.value for rule in report.rules}
        for name in RULES:
            value = found.get(name)
            if isinstance(value, float):
                answer[name] = value
            else:
                reason = "nothing is drawn" if name in found else "the rule was left out"
                answer[name] = Measurement(None, reason)
        return answer
