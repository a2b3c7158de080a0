"""The three channels: words against words, pictures against pictures, words against pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.base import CHANNELS, IMAGE, TEXT, TEXT_TO_IMAGE
from imagegen_kit.retrieval.learnt import MOST_PLACED
from imagegen_kit.retrieval.retrievers.fusion import Ranked
from imagegen_kit.retrieval.retrievers.pictures import likeness, vector_of_text, views_of
from imagegen_kit.retrieval.tuned import CHANNEL_WEIGHTS, LEARNT_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from imagegen_kit.retrieval.base import Brief
    from imagegen_kit.retrieval.learnt import LearntMap
    from imagegen_kit.retrieval.library import Library


class Stages(dict[str, float]):
    """Seconds by stage; ``with stages("text"):`` adds what passes inside."""

    def __call__(self, name: str) -> AbstractContextManager[None]:
        """Return what times the stage ``name`` while it is entered."""
        return _Timed(self, name)


class _Timed:  # a class: entering a generator's costs as much as what is timed here
    __slots__ = ("began", "name", "stages")

    def __init__(self, stages: Stages, name: str) -> None:
        self.stages, self.name = stages, name

    def __enter__(self) -> None:
        self.began = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.stages[self.name] = self.stages.get(self.name, 0.0) + perf_counter() - self.began


@dataclass(slots=True)
class Asked:
    """A brief made ready for its channels, once: vectors of its words and pictures, and each channel's weight."""

    library: Library
    brief: Brief
    vectors: Any  # the library's, looked up once: each look asks whether the library has changed
    allowed: np.ndarray | None  # ascending numbers; None: every item
    weights: dict[str, float] = field(default_factory=dict)  # of the channels that are asked, all above 0
    views: list[np.ndarray] = field(default_factory=list)  # of the pictures, or the vector given in their place
    text_vector: np.ndarray | None = None
    learnt: LearntMap | None = None  # where it, and no vector, answers for the words
    notes: list[str] = field(default_factory=list)
    among: int | None = None  # how many items the vectors could find, where a part of them could not be asked

    @property
    def partial(self) -> tuple[str, ...]:
        """What every answer from the vectors leaves out, for people; empty: nothing."""
        return tuple(getattr(self.vectors, "partial", ()))  # a library of somebody else's may not say

    @property
    def words_alone(self) -> bool:
        """Whether words and no picture are asked for, with the retriever's own weights, and two channels answer.

        Where the words' channel answers alone, its scores are the order: they never rise from hit to hit.
        """
        return {TEXT, TEXT_TO_IMAGE} == self.weights.keys() and self.brief.weights is None

    @classmethod
    def of(cls, library: Library, brief: Brief, allowed: np.ndarray | None, stages: Stages) -> Asked:
        """Embed what is to be embedded. Raises InvalidInput where no channel is left to search by."""
        asked = cls(library, brief, library.vectors, allowed)
        asked.notes += asked.partial
        weights = CHANNEL_WEIGHTS if brief.weights is None else brief.weights
        wanted = {name: float(weights.get(name, 0.0)) for name in CHANNELS}
        pictures = brief.vector is not None or bool(brief.images)
        if brief.text and wanted[TEXT] > 0:
            asked.weights[TEXT] = wanted[TEXT]
        if pictures and wanted[IMAGE] > 0:
            asked.weights[IMAGE] = wanted[IMAGE]
            with stages("embed"):
                given = brief.vector
                asked.views = [given[None, :]] if given is not None else views_of(library.embedder, brief.images)
        if brief.text and wanted[TEXT_TO_IMAGE] > 0:
            with stages("embed"):
                note = asked._hear(brief.text)
            asked.notes += [note] if note else []
            if asked.text_vector is not None or asked.learnt is not None:
                guess = brief.weights is None and "text" not in library.embedder.modalities
                asked.weights[TEXT_TO_IMAGE] = LEARNT_WEIGHT if guess else wanted[TEXT_TO_IMAGE]
        if not asked.weights:
            what = "nothing is left to search by: " + (" ".join(asked.notes) or "every channel has the weight 0.")
            raise InvalidInput([Fault("weights", what, "Give the channels that the query speaks to a weight above 0.")])
        asked.notes += _unnamed(brief, pictures)
        return asked

    def _hear(self, text: str) -> str:
        """Make words ready to be looked for in pictures; return a note on how, or why not."""
        embedder = self.library.embedder
        if "text" in embedder.modalities:
            self.text_vector = vector_of_text(embedder, text)
            return ""
        try:
            learnt = self.library.learnt
        except StoreError:
            if not self.partial:
                raise
            return "text_to_image was left out: it cannot be learnt from a part of the vectors."
        if learnt is None:
            return f"text_to_image was left out: the embedder {embedder.name!r} knows pictures only."
        if not learnt.knows(text):
            return f"text_to_image was left out: it knows none of these words; {learnt.label}."
        if len(self.vectors) > MOST_PLACED:
            self.text_vector = learnt.embed_texts([text])
        else:
            self.learnt = learnt
        return f"text_to_image: {learnt.label}."

    def rank(self, depth: int, stages: Stages) -> Iterator[Ranked]:
        """Yield what each channel finds, at most ``depth`` items."""
        for name, weight in self.weights.items():
            with stages(name):
                if name == TEXT:
                    numbers, scores = self.library.words.search(self.brief.text, depth, allowed=self.allowed)
                    exact = True
                elif name == IMAGE:
                    numbers, scores, exact = self._nearest(self.views, depth)
                elif self.learnt is not None:
                    numbers, scores = self.learnt.search(self.brief.text or "", depth, allowed=self.allowed)
                    exact = True
                else:
                    assert self.text_vector is not None
                    numbers, scores, exact = self._nearest([self.text_vector], depth)
                scores = np.minimum(np.maximum(scores, 0.0), 1.0)  # np.clip takes several times as long
            yield Ranked(name, numbers, scores, weight, exact, full=len(numbers) >= depth)

    def _nearest(self, views: list[np.ndarray], depth: int) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return the numbers and cosines of the items most like all ``views``, and whether every item was looked at."""
        queries = views[0] if len(views) == 1 else np.concatenate(views)
        near = self.vectors.search(queries, depth, allowed=self.allowed)
        self.notes += [told for told in getattr(near, "partial", ()) if told not in self.notes]
        if getattr(near, "partial", ()) and hasattr(near, "among"):
            self.among = near.among if self.among is None else min(self.among, near.among)
        if len(queries) == 1:
            numbers, scores = near.ids[0], near.scores[0]
            if len(numbers) and numbers[-1] < 0:  # fewer than were asked for
                numbers, scores = numbers[numbers >= 0], scores[numbers >= 0]
            return numbers, scores, near.exact
        numbers = np.unique(near.ids[near.ids >= 0])
        scores = likeness(self.vectors.vectors_of(numbers), views)
        order = np.lexsort((numbers, -scores))[:depth]
        return numbers[order], scores[order], near.exact


def _unnamed(brief: Brief, pictures: bool) -> list[str]:
    """Say which channels were not asked although the query speaks to them, because ``weights`` does not name them."""
    if brief.weights is None:
        return []
    spoken = [TEXT, TEXT_TO_IMAGE] if brief.text else []
    spoken += [IMAGE] if pictures else []
    left = [name for name in spoken if name not in brief.weights]
    return [f"{' and '.join(left)} not asked: weights name only {', '.join(brief.weights)}."] if left else []
