"""Consistency: do pictures show one figure? ``matrix`` for every pair, ``against`` for one; in runs it is a scorer."""

from imagegen_kit.scorers.consistency.table import against, matrix

__all__ = ["against", "matrix"]
