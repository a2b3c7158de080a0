"""What was tuned on a corpus, or is a usual value: how channels are fused, and when two pictures are one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Words (retrieval.lexical): how much a word counts in each field of an item, and how much whole words count beside
# parts of words. On the train half of openclipart weighing tags or names twice changed known items by -.010 and
# keywords by .000, so all fields count alike; 0.15 to 0.4 for whole words are equally good.
FIELD_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"name": 1.0, "tags": 1.0, "caption": 1.0, "description": 1.0, "folder": 1.0}
)
WHOLE_WORDS = 0.4

# Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): an item at rank r of a channel counts 1 / (k + r). The
# paper's k of 60 was the best of its pilot and changes little around there.
RANK_CONSTANT = 60.0
CHANNEL_WEIGHTS: Mapping[str, float] = MappingProxyType({"text": 1.0, "image": 1.0, "text_to_image": 1.0})
# What text_to_image weighs where it comes from the map learnt from captions (retrieval.learnt) and not from a model: it
# then only settles what the words leave open and fills up with pictures that have no words. Train half, change of known
# item MRR and keyword P@10: 0.02 -.003 and +.002, 0.1 -.036 and +.001.
LEARNT_WEIGHT = 0.02

# Two items are near-duplicates where both hold: perceptual hashes alone take every drawing on white for its like, the
# vectors alone a series of icons.
DUPLICATE_COSINE = 0.97
DUPLICATE_BITS = 6  # of the 64 of a dHash or of a pHash, whichever is nearer
