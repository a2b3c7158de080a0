"""Embedders: pictures, and where they can texts, as vectors of one space."""

from imagegen_kit.retrieval.embedders.mirrored import mirrored_queries

__all__ = ["mirrored_queries"]
