"""The default retriever: words and pictures, each by its own channel, fused by score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.retrieval.base import ChannelHit, Found, Hit
from imagegen_kit.retrieval.retrievers.channels import Asked, Stages
from imagegen_kit.retrieval.retrievers.duplicates import without_duplicates
from imagegen_kit.retrieval.retrievers.fusion import Fused, Ranked, fuse, varied
from imagegen_kit.retrieval.retrievers.neighbours import completed, covering, heard_together
from imagegen_kit.retrieval.retrievers.unwanted import Unwanted

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Brief
    from imagegen_kit.retrieval.library import Library

SPARE = 6  # hits more than asked, in place of near-duplicates; where they are not enough, there is another look


class HybridRetriever:
    """Finds items by words in their texts, by likeness to pictures, and by words in the pictures themselves.

    Each channel ranks what ``where`` lets through; their scores, each channel's best being 1, are added by weight
    (``fusion.fuse``). Where only words are asked for, no weights are given and the pictures answer too, pictures
    without words gain from looking like others that the words found, and the first hits take turns in covering the
    words (``neighbours``). A hit's score is the weighted mean of its channels' scores, 0 from a channel that did not
    find it: it says how alike the item is to what was asked, and need not fall from hit to hit.

    A picture that is itself in the library is its own first hit, with a score of 1, and near-duplicates of it are then
    left out like those of any hit. Who wants others only asks for one more and takes ``hits[1:]``.
    """

    name = "hybrid"

    def retrieve(self, library: Library, brief: Brief) -> Found:
        """Return at most ``brief.top_k`` hits, best first. Raises InvalidInput for an unknown key of ``where``."""
        stages = Stages()
        allowed = None
        if brief.where is not None:
            with stages("where"):
                allowed = library.numbers(brief.where)
        kept = len(library) if allowed is None else len(allowed)
        if not kept or brief.top_k < 1:
            return Found((), seconds=stages, kept=kept)
        asked = Asked.of(library, brief, allowed, stages)
        with stages("embed"):
            unwanted = Unwanted(asked)
        plain = len(asked.weights) == 1 and not unwanted and not brief.diversity
        depth = min(kept, brief.top_k + SPARE if plain else max(100, 10 * brief.top_k))
        while True:
            ranked = list(asked.rank(depth, stages))
            with stages("neighbours"):
                ranked = heard_together(asked, ranked) if asked.words_alone else completed(asked, ranked)
            with stages("fuse"):
                fused, short = _chosen(asked, ranked, unwanted)
            if not short or depth >= kept or not any(r.full for r in ranked):
                break
            depth = min(kept, 4 * depth)  # what was taken out is made up for
        with stages("fuse"):
            hits = _hits(fused, ranked)
        exact = {r.channel: r.exact for r in ranked}
        return Found(hits, exact, stages, tuple(asked.notes), kept, asked.among)


def _chosen(asked: Asked, ranked: list[Ranked], unwanted: Unwanted) -> tuple[Fused, bool]:
    """Return at most top_k items, and whether there are fewer because something was taken out."""
    brief = asked.brief
    fused = fuse(ranked)
    if asked.words_alone:
        fused = covering(asked.library.words, brief.text or "", fused, brief.top_k)
    found = len(fused)
    if unwanted and found:
        fused = unwanted.taken_out(fused)
    lost = found - len(fused)
    if brief.min_score is not None:
        fused = fused.only(_good_enough(fused, ranked, brief.min_score))
    want = max(100, 10 * brief.top_k) if brief.diversity else brief.top_k
    if brief.dedup and len(fused) > 1:
        places = without_duplicates(asked.library, asked.vectors, fused.numbers, want)
        lost += min(len(fused), want) - len(places)
        fused = fused.only(places)
    if brief.diversity and len(fused) > 1:
        vectors = asked.vectors.vectors_of(fused.numbers[:want])
        fused = fused.only(varied(fused.scores[:want], vectors, brief.top_k, brief.diversity))
    if len(fused) > brief.top_k:
        fused = fused.only(slice(brief.top_k))
    return fused, lost > 0 and len(fused) < brief.top_k


def _good_enough(fused: Fused, ranked: list[Ranked], least: float | Mapping[str, float]) -> np.ndarray:
    """Return a mask of the items that reach ``min_score``; a channel that did not find an item says 0."""
    if not isinstance(least, Mapping):
        return fused.scores >= least
    mask = np.ones(len(fused), dtype=bool)
    said = {r.channel: r for r in ranked}
    for channel, score in least.items():
        one = said.get(channel)
        good = one.numbers[one.scores >= score] if one is not None else np.zeros(0, dtype=np.int64)
        mask &= np.isin(fused.numbers, good) | (score <= 0)
    return mask


def _hits(fused: Fused, ranked: list[Ranked]) -> tuple[Hit, ...]:
    numbers = fused.numbers.tolist()
    said: dict[int, dict[str, ChannelHit]] = {number: {} for number in numbers}
    for one in ranked:
        for rank, (number, score) in enumerate(zip(one.numbers.tolist(), one.scores.tolist(), strict=True), 1):
            if number in said:
                said[number][one.channel] = ChannelHit(rank, score)
    return tuple(map(Hit, numbers, fused.scores.tolist(), said.values()))
