"""What items that look alike, or answer for the same words, mean for each other's place in the order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.retrieval.base import IMAGE, TEXT, TEXT_TO_IMAGE
from imagegen_kit.retrieval.index.scan import nearest, one_thread
from imagegen_kit.retrieval.retrievers.pictures import likeness
from imagegen_kit.retrieval.tuned import COVERED, LEARNT_VOTE, LEARNT_VOTERS, LEAST_HEARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.retrieval.lexical import Lexical
    from imagegen_kit.retrieval.retrievers.channels import Asked
    from imagegen_kit.retrieval.retrievers.fusion import Fused, Ranked

LOOKED_AT = 100  # best hits of the words: they vote, and take turns
MOST_LEARNT = 1_000  # hits of the learnt map that are voted for
TURNS = 10  # first places in which words take turns
FEW = 16  # queries; of 20 or more at once faiss makes a product of matrices, in threads


def completed(asked: Asked, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return ``ranked``, the channels of vectors also saying how like the items are that only others found.

    An item just below the depth that a channel was asked for would otherwise count as wholly unlike. The places of
    those that are filled in are the least they can be.
    """
    if len(ranked) == 1:
        return list(ranked)
    every = np.unique(np.concatenate([one.numbers for one in ranked]))
    return [_completed(asked, one, every) for one in ranked]


def _completed(asked: Asked, one: Ranked, every: np.ndarray) -> Ranked:
    views = asked.views if one.channel == IMAGE else [] if asked.text_vector is None else [asked.text_vector]
    if one.channel == TEXT or not views:
        return one
    lacking = np.setdiff1d(every, one.numbers, assume_unique=True)
    if not len(lacking):
        return one
    scores = np.minimum(np.maximum(likeness(asked.vectors.vectors_of(lacking), views), 0.0), 1.0)
    numbers, scores = np.concatenate([one.numbers, lacking]), np.concatenate([one.scores, scores])
    order = np.lexsort((numbers, -scores))
    return replace(one, numbers=numbers[order], scores=scores[order])


def heard_together(asked: Asked, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return ``ranked``, what was learnt from captions also hearing votes of the best hits of the words.

    Pictures come in series, so one without words gains by the mean over the nearest of these hits of likeness² × their
    score (``tuned.LEARNT_VOTE``); items that ``where`` does not let through vote, too. The hits of the words themselves
    are not voted for: on openclipart that gained .018 of keyword P@10 in the train half and lost .012 in the other.
    """
    made = []
    for one in completed(asked, [_heard(one) if one.channel == TEXT else one for one in ranked]):
        if one.channel != TEXT_TO_IMAGE or asked.learnt is None or not len(one.numbers):
            made.append(one)
            continue
        if asked.allowed is None:
            text = next(other for other in ranked if other.channel == TEXT)
            voters, shares = text.numbers[:LOOKED_AT], text.scores[:LOOKED_AT]
        else:
            voters, shares = asked.library.words.search(asked.brief.text or "", LOOKED_AT)
        values = one.worth
        if len(voters):
            candidates = asked.vectors.vectors_of(one.numbers[:MOST_LEARNT])
            gained = votes(candidates, asked.vectors.vectors_of(voters), shares, LEARNT_VOTERS)
            values[:MOST_LEARNT] += LEARNT_VOTE * gained / max(float(gained.max()), 1e-9)
        made.append(replace(one, values=values))
    return made


def _heard(one: Ranked) -> Ranked:
    """Return the hits of the words without those that share hardly a few letters with the query, by chance."""
    heard = one.scores >= LEAST_HEARD
    return one if heard.all() else replace(one, numbers=one.numbers[heard], scores=one.scores[heard])


def votes(candidates: np.ndarray, voters: np.ndarray, shares: np.ndarray, heard: int) -> np.ndarray:
    """Return (n,) the mean over the ``heard`` largest of cosine² × share, fewer voters counting as some of 0.

    ``candidates`` (n, d) and ``voters`` (v, d) are of length 1.
    """
    weighed = voters * np.sqrt(shares, dtype=np.float32)[:, None]  # so the largest products are the largest votes
    with one_thread(True):  # as threads of a BLAS would, more of them wait for each other: on a busy machine, 80 ms
        said = [nearest(some, weighed, heard)[0] for some in np.split(candidates, range(FEW, len(candidates), FEW))]
    found: np.ndarray = np.square(np.maximum(np.concatenate(said), 0.0)).sum(axis=1) / heard
    return found


def covering(words: Lexical, text: str, fused: Fused, top_k: int) -> Fused:
    """Return ``fused`` with the first hits taking turns in covering the words of ``text``.

    Of two things that are asked for, the rarer word would fill the first places: each item is worth
    ``tuned.COVERED`` of its value for every hit before it that holds all the words that it holds. Nothing changes where
    the items hold the same words.
    """
    if len(fused) < 3 or top_k < 2:
        return fused
    held = words.held(text, fused.numbers[:LOOKED_AT])
    kinds, kind = np.unique(held, return_inverse=True)
    if np.count_nonzero(kinds) < 2:
        return fused
    left = np.where((kinds & ~kinds[:, None] == 0) & (kinds > 0), COVERED, 1.0)[:, kind]  # of all, after each kind
    worth = fused.values[: len(held)].copy()
    taken: list[int] = []
    for _ in range(min(top_k, TURNS, len(held))):
        best = int(worth.argmax())
        taken.append(best)
        worth *= left[kind[best]]
        worth[best] = -1.0
    rest = np.ones(len(fused), dtype=bool)
    rest[taken] = False
    order = np.concatenate([np.array(taken, dtype=np.int64), np.flatnonzero(rest)])
    again = fused.only(order)
    return type(fused)(again.numbers, fused.values, again.scores)  # the values of the places: they stay in order
