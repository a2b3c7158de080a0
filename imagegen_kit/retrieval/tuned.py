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

# How much a channel counts: its score, its best hit being 1, times this (retrievers.fusion). Train half, a drawing and
# its title, P@10 of folder and keyword: image .25 .418 and .487, .43 .419 and .489, .67 .415 and .489, 1 .407 and .482;
# where the drawing itself is in the library and the best hit of its words: .11 .421 and .492, .25 .410 and .486, .43
# .390 and .465.
CHANNEL_WEIGHTS: Mapping[str, float] = MappingProxyType({"text": 1.0, "image": 0.25, "text_to_image": 1.0})
# What text_to_image weighs where it comes from the map learnt from captions (retrieval.learnt) and not from a model: it
# then only settles what the words leave open and fills up with pictures that have no words. Train half, change of known
# item MRR and keyword P@10: 0.02 +.002 and +.001, 0.1 -.003 and +.003, 0.4 -.007 and -.002.
LEARNT_WEIGHT = 0.02
# Hits of the words below this score are not heard where pictures answer for the words, too: the best hit of a channel
# counts 1, so where no text answers, a few letters of an id would outweigh what was learnt. Train half, P@10 of
# pictures without captions: 0 .397, 0.05 .423, 0.1 .427.
LEAST_HEARD = 0.05
# Votes of the best hits of the words for what the learnt map finds (retrievers.neighbours): how much they weigh, and of
# how many the mean is taken. Train half, P@10 of pictures without captions: from .404 to .414, with 1.0 .399.
LEARNT_VOTE, LEARNT_VOTERS = 0.3, 10
# What is left of an item's value for each hit before it that holds all the words that it holds. Train half, known
# item MRR: 0.9 -.002, 0.95 -.001; above 0.96 "a dog in a garden" has no dog among the first two shipped references.
COVERED = 0.95

# Two items are near-duplicates where both hold: perceptual hashes alone take every drawing on white for its like, the
# vectors alone a series of icons.
DUPLICATE_COSINE = 0.97
DUPLICATE_BITS = 6  # of the 64 of a dHash or of a pHash, whichever is nearer
