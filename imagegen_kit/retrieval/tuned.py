"""What was tuned on a corpus, or is a usual value: how channels are fused, and when two pictures are one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Words (retrieval.lexical): how much a word counts in each field of an item, and how much whole words count beside
# parts of words.
FIELD_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"name": 1.0, "tags": 2.0, "caption": 1.0, "description": 0.5, "folder": 1.0}
)
WHOLE_WORDS = 0.4
