"""The rules of a concept sketch: measured (``sketch_report``), mended where that is possible (``auto_fix``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.scorers.sketch.fix import Fixed, auto_fix
    from imagegen_kit.scorers.sketch.page import Page
    from imagegen_kit.scorers.sketch.report import SketchReport, sketch_report
    from imagegen_kit.scorers.sketch.rules import RULES, Rule
    from imagegen_kit.scorers.sketch.scorer import SketchScorer
    from imagegen_kit.scorers.sketch.steps import Step

__all__ = ["RULES", "Fixed", "Page", "Rule", "SketchReport", "SketchScorer", "Step", "auto_fix", "sketch_report"]

_HOMES = {
    "RULES": "rules", "Fixed": "fix", "Page": "page", "Rule": "rules", "SketchReport": "report",
    "SketchScorer": "scorer", "Step": "steps", "auto_fix": "fix", "sketch_report": "report",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # the scorer's spec is told without numpy
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
