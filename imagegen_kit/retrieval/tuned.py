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

# Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): an item at rank r of a channel counts 1 / (k + r). The
# paper's k of 60 was the best of its pilot and changes little around there.
RANK_CONSTANT = 60.0
CHANNEL_WEIGHTS: Mapping[str, float] = MappingProxyType({"text": 1.0, "image": 1.0, "text_to_image": 1.0})
LEARNT_WEIGHT = 0.1  # of text_to_image where it is the map learnt from captions: it finds what has none, and is rough

# Two items are near-duplicates where both hold: perceptual hashes alone take every drawing on white for its like, the
# vectors alone a series of icons.
DUPLICATE_COSINE = 0.97
DUPLICATE_BITS = 6  # of the 64 of a dHash or of a pHash, whichever is nearer
