"""Scorers: pictures and their requests → numbers. What a plugin author needs is importable from here."""

from imagegen_kit.hookspecs import Measure, ScorerSpec, hookimpl
from imagegen_kit.scorers.base import Answer, Measurement, Scorer, Subject

__all__ = ["Answer", "Measure", "Measurement", "Scorer", "ScorerSpec", "Subject", "hookimpl"]
