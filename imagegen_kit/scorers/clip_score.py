"""CLIPScore: how well a picture shows what its prompt says, by a model that embeds both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.embedded import embedder_for, text_vectors, tokens_read, told

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Embedder


class ClipScore:
    """max(100 · cos(picture, prompt), 0): CLIPScore (Hessel et al. 2021, EMNLP), on the scale that is usual today.

    ``embedder`` is "clip:folder-or-id", or any embedder that reads texts. The prompt is taken word for word, with what
    its style added; the paper puts "A photo depicts" before it and multiplies by 2.5, not by 100.
    """

    def __init__(self, embedder: str | Embedder = "clip") -> None:
        self._embedder = embedder_for(embedder, "clip_score", texts=True)
        self.feature = told(self._embedder)

    def score(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement a picture; None where there is no prompt."""
        asked = [s for s in subjects if s.prompt.strip()]
        texts = text_vectors(self._embedder, [s.prompt for s in asked])
        pictures = iter(self._embedder.embed_images([s.image for s in asked]))
        read = tokens_read(self._embedder, list(texts))
        found = []
        for subject in subjects:
            if not subject.prompt.strip():
                found.append(Measurement(None, "has no prompt"))
                continue
            value = 100.0 * float(next(pictures) @ texts[subject.prompt])
            found.append(Measurement(min(max(value, 0.0), 100.0), details=read[subject.prompt]))
        return found
