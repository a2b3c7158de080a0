"""Consistency: do pictures show one figure? ``matrix`` for every pair, ``against`` for one picture; in runs a scorer."""

from imagegen_kit.scorers.consistency.table import against, matrix

__all__ = ["against", "matrix"]
