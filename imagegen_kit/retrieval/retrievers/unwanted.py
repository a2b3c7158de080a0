"""What pictures shall not show: takes out of a ranking what answers for the negative, and lets the rest of it sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.retrieval.base import IMAGE, TEXT_TO_IMAGE
from imagegen_kit.retrieval.retrievers.pictures import likeness, vector_of_text, views_of
from imagegen_kit.retrieval.tuned import DUPLICATE_COSINE

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.retrieval.retrievers.channels import Asked
    from imagegen_kit.retrieval.retrievers.fusion import Fused

HALF = 0.5  # an item whose words hold as much of the unwanted ones as this, or more, is taken out


class Unwanted:
    """The negative of a brief, embedded once. Three rules, each by the negative's own search:

    - **Words**: an item whose texts answer for the negative with a lexical score of 0.5 or more is taken out; below,
      it sinks: what it is ranked by is multiplied by 1 - that score.
    - **Words against pictures**, where the embedder knows texts: an item that is as near to the unwanted words as to
      the wanted ones is taken out. (The map learnt from captions is too rough for this and is not asked.)
    - **Pictures**: an item as like an unwanted picture as the wanted ones is taken out; where no picture is wanted, an
      item sinks by its likeness to the unwanted one, and a near-duplicate of it is taken out.

    Scores of hits stay as they are: they say how alike an item is to what is wanted.
    """

    def __init__(self, asked: Asked) -> None:
        brief, library = asked.brief, asked.library
        self._asked = asked
        self._words = brief.negative
        self._word_vector: np.ndarray | None = None
        if brief.negative and TEXT_TO_IMAGE in asked.weights and "text" in library.embedder.modalities:
            self._word_vector = vector_of_text(library.embedder, brief.negative)
        self._views = views_of(library.embedder, brief.negative_images)

    def __bool__(self) -> bool:
        return bool(self._words) or bool(self._views)

    def taken_out(self, fused: Fused) -> Fused:
        """Return ``fused`` without what is unwanted, in its new order."""
        library: Library = self._asked.library
        keep, factor = np.ones(len(fused), dtype=bool), np.ones(len(fused))
        if self._words:
            order = np.argsort(fused.numbers)
            found, scores = library.words.search(self._words, len(fused), allowed=fused.numbers[order])
            places = order[np.searchsorted(fused.numbers[order], found)]
            keep[places] = scores < HALF
            factor[places] *= 1 - np.clip(scores, 0.0, 1.0)
        if self._word_vector is not None or self._views:
            vectors = self._asked.vectors.vectors_of(fused.numbers)
            if self._word_vector is not None:
                assert self._asked.text_vector is not None
                keep &= (vectors @ self._word_vector[0]) < (vectors @ self._asked.text_vector[0])
            if self._views:
                unwanted = np.max([likeness(vectors, [view]) for view in self._views], axis=0)
                if IMAGE in self._asked.weights:
                    keep &= unwanted < likeness(vectors, self._asked.views)
                else:
                    keep &= unwanted < DUPLICATE_COSINE
                    factor *= 1 - np.clip(unwanted, 0.0, 1.0)
        left = fused.only(keep)
        values = left.values * factor[keep]
        order = np.lexsort((left.numbers, -left.scores, -values))
        return type(left)(left.numbers[order], values[order], left.scores[order])
