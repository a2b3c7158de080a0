"""Vectors on disk and the search over them: exact where that is fast, through a derived index where it is not."""

from __future__ import annotations

from imagegen_kit.retrieval.index.build import build
from imagegen_kit.retrieval.index.kinds import KINDS, AnnRecord, kind_for
from imagegen_kit.retrieval.index.search import Neighbours, VectorSearch
from imagegen_kit.retrieval.index.sharded import ShardedIndex
from imagegen_kit.retrieval.index.shards import Shard, build_shards, name_shards, write_shard
from imagegen_kit.retrieval.index.vectors import Segment, write_segment

__all__ = [
    "KINDS",
    "AnnRecord",
    "Neighbours",
    "Segment",
    "Shard",
    "ShardedIndex",
    "VectorSearch",
    "build",
    "build_shards",
    "kind_for",
    "name_shards",
    "write_segment",
    "write_shard",
]
