"""The report of one sketch: each rule with its value, its limit, and whether it passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.lazy import Shown
from imagegen_kit.scorers.sketch.limits import Limits, limits_of
from imagegen_kit.scorers.sketch.page import Page
from imagegen_kit.scorers.sketch.rules import RULES, Rule

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.types import Check, Style


@dataclass(frozen=True, slots=True)
class SketchReport(Shown):
    """What the rules say of a picture.

    ``rules`` are their outcomes in order; ``passed`` of one is None where its number cannot be had, such as the width
    of lines on an empty page. ``limits`` are the lowest and highest number that pass, by the rule's name; ``about``
    has the unit and meaning of each.
    """

    rules: tuple[Check, ...]
    limits: Limits = field(compare=False, repr=False)
    about: Mapping[str, Rule] = field(compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return all(rule.passed for rule in self.rules)

    @property
    def share(self) -> float:
        """The share of the rules that passed, 0 to 1; one without its number has not passed."""
        return sum(bool(rule.passed) for rule in self.rules) / max(1, len(self.rules))

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the rules that did not pass."""
        return tuple(rule.name for rule in self.rules if not rule.passed)

    def __getitem__(self, name: str) -> Check:
        """Return the outcome of one rule. Raises KeyError where it was not measured."""
        return {rule.name: rule for rule in self.rules}[name]

    def beyond(self, name: str) -> float:
        """Return how far a rule's number lies beyond its limit, in its unit; 0 where it passed or has no number."""
        value, (low, high) = self[name].value, self.limits[name]
        if not isinstance(value, float):
            return 0.0
        return max(0.0, low - value if low is not None else 0.0, value - high if high is not None else 0.0)

    def to_plain(self) -> dict[str, dict[str, Any]]:
        """Return value, unit, limit and pass of each rule by its name, ready for JSON."""
        return {
            rule.name: {
                "value": rule.value, "unit": self.about[rule.name].unit, "limit": rule.limit, "pass": rule.passed,
            }
            for rule in self.rules
        }  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return one row a rule: rule, value, unit, limit, passed (True, False or NA), about."""
        import pandas as pd

        rows = [
            (rule.name, rule.value, self.about[rule.name].unit, rule.limit, rule.passed, self.about[rule.name].about)
            for rule in self.rules
        ]
        frame = pd.DataFrame(rows, columns=["rule", "value", "unit", "limit", "passed", "about"])
        return frame.astype({"value": "Float64", "passed": "boolean"})

    def __repr__(self) -> str:
        good = sum(bool(rule.passed) for rule in self.rules)
        fails = f", fails {', '.join(self.failed)}" if self.failed else ""
        return f"SketchReport({good} of {len(self.rules)} rules{fails})"


def sketch_report(
    picture: object,
    *,
    limits: Mapping[str, Any] | None = None,
    style: str | Style | None = None,
    more: Sequence[Rule] = (),
) -> SketchReport:
    """Measure whether ``picture`` (a Picture, path, bytes, PIL image or uint8 array) keeps the rules of a sketch.

    ``limits`` and those of ``style`` go before the rules' own (see ``limits_of``). ``more`` are rules of one's own,
    made with ``imagegen_kit.checks.numeric``: each measures the ``Page`` and joins the report under its own limits.
    Raises InvalidInput for an unreadable picture or limit, MissingDependency without the extra ``metrics``.
    """
    image = picture if isinstance(picture, Image.Image) else open_picture(picture).image
    return measured(image, limits_of(limits, style), more)


def measured(image: Image.Image, limits: Limits, more: Sequence[Rule] = ()) -> SketchReport:
    """Return the report of a PIL image by limits that ``limits_of`` has read."""
    page = Page(image)
    about = {**RULES, **{rule.name: rule for rule in more}}
    held = {**limits, **{rule.name: (rule.low, rule.high) for rule in more}}
    return SketchReport(tuple(about[name].function(page, limit) for name, limit in held.items()), held, about)
