"""Lots: pictures by the million, embedded some hundreds at a time by whatever processes there are, then merged."""

from __future__ import annotations

from imagegen_kit.retrieval.lots.adding import add_pictures

__all__ = ["add_pictures"]
