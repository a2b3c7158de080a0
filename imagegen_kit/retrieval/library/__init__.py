"""A library: a named set of reference pictures on disk that can be searched."""

from __future__ import annotations

from imagegen_kit.retrieval.library.library import Library

__all__ = ["Library"]
