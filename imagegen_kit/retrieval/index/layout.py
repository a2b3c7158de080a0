"""How segments become rows that are searched: what is removed or replaced, what is copied, what stays on disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.retrieval.index.rows import Rows

if TYPE_CHECKING:
    from imagegen_kit.retrieval.index.vectors import Segment

COPIED_BYTES = 110 * 10**6  # so much is held in memory, in one piece: 50,000 vectors of 512 numbers
SMALL = 4096  # rows; of many, segments below this are copied together


def live_rows(ids: Sequence[np.ndarray], removed: np.ndarray) -> list[np.ndarray | None]:
    """Return for each segment which of its rows may be found; None: all.

    A row may not be found where its id is in ``removed``, or where a later segment holds the same id.
    """
    masks: list[np.ndarray | None] = [None] * len(ids)

    def drop(number: int, rows: np.ndarray) -> None:
        mask = masks[number]
        if mask is None:
            mask = masks[number] = np.ones(len(ids[number]), bool)
        mask[rows] = False

    if len(removed):
        for number, here in enumerate(ids):
            if len(rows := np.flatnonzero(np.isin(here, removed))):
                drop(number, rows)
    bounds = [(here.min(), here.max()) for here in ids]
    if not all(after[0] > before[1] for before, after in pairwise(bounds)):
        everything = np.concatenate(ids)
        # of equal ids, all but the last one: sorted stably, those that their follower equals
        order = np.argsort(everything, kind="stable")
        older = np.sort(order[:-1][everything[order[1:]] == everything[order[:-1]]])
        starts = np.cumsum([0, *(len(here) for here in ids)])
        for number in np.unique(np.searchsorted(starts, older, side="right") - 1):
            drop(int(number), older[(older >= starts[number]) & (older < starts[number + 1])] - starts[number])
    return masks


def arrange(segments: Sequence[Segment], masks: Sequence[np.ndarray | None], dimension: int) -> list[Rows]:
    """Return the rows of ``segments`` for exact search.

    Up to 110 MB they are copied into one block without what was removed; one whole segment stays mapped as it is. Of
    more, the small segments are copied together and the large ones stay mapped.
    """
    given = list(zip(segments, masks, strict=True))
    much = sum(s.count for s in segments) * dimension * 4 > COPIED_BYTES
    small, large = given, []
    if much:
        small, large = [g for g in given if g[0].count < SMALL], [g for g in given if g[0].count >= SMALL]
    if len(small) == 1 and small[0][1] is None:
        small, large = [], [*large, *small]
    blocks = [Rows(segment.ids(), segment.vectors(dimension), live, held=not much) for segment, live in large]
    if small:
        blocks.append(_copied(small, dimension))
    return [block for block in blocks if block.count]


def _copied(given: Sequence[tuple[Segment, np.ndarray | None]], dimension: int) -> Rows:
    counts = [segment.count if live is None else int(np.count_nonzero(live)) for segment, live in given]
    ids, vectors = np.empty(sum(counts), np.int64), np.empty((sum(counts), dimension), np.float32)
    start = 0
    for (segment, live), count in zip(given, counts, strict=True):
        here, rows = segment.ids(), segment.vectors(dimension)
        ids[start : start + count] = here if live is None else here[live]
        if live is None:
            vectors[start : start + count] = rows
        elif count:
            np.compress(live, rows, axis=0, out=vectors[start : start + count])
        start += count
    return Rows(ids, vectors, held=True)
