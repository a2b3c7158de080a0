"""Scorers: pictures and their requests → numbers. What a plugin author needs is importable from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.hookspecs import Measure, ScorerSpec, hookimpl
from imagegen_kit.lazy import upward
from imagegen_kit.scorers.base import Answer, Measurement, Scorer, Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Measure", "Measurement", "Scorer", "ScorerSpec", "Subject", "hookimpl", "table"]


def table() -> pd.DataFrame:
    """Return one row for each number that ``run.score`` can give: its column, scorer, direction, unit and range."""
    found: pd.DataFrame = upward("scorers")()
    return found
