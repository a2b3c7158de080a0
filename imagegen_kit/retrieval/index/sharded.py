"""``ShardedIndex``: one question asked of many indexes at once, and their answers merged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from imagegen_kit.errors import CorruptArtifact, Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.index.kinds import AnnRecord
from imagegen_kit.retrieval.index.scan import best
from imagegen_kit.retrieval.index.search import Neighbours, VectorSearch, ascending, checked_queries
from imagegen_kit.retrieval.index.shards import Lost, Shard, read_shards
from imagegen_kit.retrieval.index.vectors import Segment

_T = TypeVar("_T")
FRESH = "of vectors without an index"
_EVERY = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)


class _Part:
    """One shard, or the segments that no shard covers: ``first`` and ``last`` bound the ids in it."""

    def __init__(self, name: str, rows: int, first: int, last: int, search: VectorSearch) -> None:
        self.name, self.rows, self.first, self.last, self.search = name, rows, first, last, search


class ShardedIndex:
    """Searches shards as ``VectorSearch`` searches segments; several threads may ask at once.

    A shard that is missing or damaged is left out: each answer is then ``partial`` and says so, in words. ``lost`` are
    those that could not be opened; ``note`` says, for people, what else is not as it should be.
    """

    def __init__(self, parts: Sequence[_Part], lost: Sequence[Lost], dimension: int, note: str) -> None:
        self.dimension, self.lost, self.note = dimension, tuple(lost), note
        self._parts = tuple(parts)
        self._total = sum(part.rows for part in parts) + sum(one.rows for one in lost)

    @classmethod
    def open(cls, folder: str | Path) -> ShardedIndex:
        """Open the shards that ``shards.json`` in ``folder`` names. Raises StoreError where not one can be read."""
        dimension, shards, lost = read_shards(Path(folder))
        return cls.of(shards, dimension=dimension, lost=lost)

    @classmethod
    def of(
        cls, shards: Sequence[Shard], *, dimension: int, fresh: tuple[Path, Sequence[Segment]] | None = None,
        removed: np.ndarray | None = None, lost: Sequence[Lost] = (),
    ) -> ShardedIndex:  # fmt: skip
        """Open ``shards``, and ``fresh``: a folder and the segments that no shard covers, which are compared exactly.

        Ids of ``removed`` are never found; of an id in two shards, the later one holds. Up to 64 MB a shard, every byte
        is looked at, above that samples are: see ``VectorSearch.open``. Raises StoreError where not one can be opened.
        """
        gone = np.unique(np.asarray([] if removed is None else removed, np.int64))
        older = _written_again(shards, fresh[1] if fresh else ())

        def opened(shard: Shard) -> tuple[_Part, str] | Lost:
            try:
                if shard.dimension != dimension:
                    return Lost(shard.name, shard.rows, f"its vectors have {shard.dimension} numbers, not {dimension}.")
                search, note = _opened(shard, np.union1d(gone, older.get(shard.name, gone)))
            except (StoreError, InvalidInput) as error:
                return Lost(shard.name, shard.rows, error.message)
            return _Part(shard.name, shard.rows, shard.first, shard.last, search), note

        found = _each(opened, shards)
        parts = [one[0] for one in found if not isinstance(one, Lost)]
        lost = [*lost, *(one for one in found if isinstance(one, Lost))]
        notes = [one[1] for one in found if not isinstance(one, Lost) and one[1]]
        if fresh is not None and fresh[1]:
            rows = sum(segment.count for segment in fresh[1])
            try:
                search = VectorSearch.open(*fresh, dimension=dimension, removed=gone)
                parts.append(_Part(FRESH, rows, *_EVERY, search))
            except (StoreError, InvalidInput) as error:
                lost.append(Lost(FRESH, rows, error.message))
        if not parts and lost:
            raise StoreError(f"none of the {len(lost)} shards can be read. {lost[0].name}: {lost[0].why}")
        return cls(parts, lost, dimension, "; ".join(notes))

    @property
    def kind(self) -> str:
        """The kinds of index that are in use."""
        return " + ".join(sorted({part.search.kind for part in self._parts})) or "flat"

    @property
    def partial(self) -> tuple[str, ...]:
        """What every answer leaves out, for people; empty: nothing."""
        return tuple(map(self._told, self.lost))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        workers = min(len(self._parts), os.cpu_count() or 1)
        return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="imagegen-shards")

    def __len__(self) -> int:
        return sum(len(part.search) for part in self._parts)

    def search(
        self, queries: np.ndarray, top_k: int, *, allowed: np.ndarray | None = None, exact: bool = False
    ) -> Neighbours:
        """Return the ``top_k`` nearest of all shards, as ``VectorSearch.search`` does; ``partial`` where one is lost.

        A single query is asked of several shards at once; of many, each shard divides them among its threads. Raises
        InvalidInput as that does, StoreError where no shard could answer.
        """
        start = time.perf_counter()
        asked = checked_queries(queries, top_k, self.dimension)
        numbers = None if allowed is None else ascending(allowed)

        def ask(part: _Part) -> Neighbours | Lost | None:
            within = numbers
            if numbers is not None and not len(within := numbers[slice(*_between(numbers, part))]):
                return None
            try:
                return part.search.search(asked, top_k, allowed=within, exact=exact)
            except StoreError as error:
                return Lost(part.name, part.rows, error.message)

        if len(asked) == 1 and len(self._parts) > 1 and self._pool._max_workers > 1:
            answers = list(self._pool.map(ask, self._parts))
        else:
            answers = [ask(part) for part in self._parts]
        found = [answer for answer in answers if isinstance(answer, Neighbours)]
        lost = [*self.lost, *(answer for answer in answers if isinstance(answer, Lost))]
        if not found and lost and len(lost) > len(self.lost):
            raise StoreError(f"no shard could be asked. {lost[-1].name}: {lost[-1].why}")
        shape = (len(asked), top_k)
        empty = (np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int64))
        scores, ids = best([(near.scores, near.ids) for near in found] or [empty], top_k)
        proven = all(near.exact for near in found) and not lost
        among = sum(near.among for near in found)
        return Neighbours(ids, scores, proven, time.perf_counter() - start, tuple(map(self._told, lost)), among)

    def vectors_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the vectors of ``ids`` in the order asked, (n, dimension) float32.

        Where shards are lost, an id that no other one holds has zeros, which are like nothing. Raises InvalidInput for
        ids that no shard holds.
        """
        distinct, back = np.unique(np.asarray(ids, np.int64).reshape(-1), return_inverse=True)
        vectors, found = np.zeros((len(distinct), self.dimension), np.float32), np.zeros(len(distinct), bool)
        for part in self._parts:
            here = slice(*_between(distinct, part))
            if len(distinct[here]) and not found[here].all():
                rows, there = part.search.lookup(distinct[here])
                vectors[here][there], found[here] = rows[there], found[here] | there
        if not found.all() and not self.lost:
            told = ", ".join(map(str, distinct[~found][:5]))
            raise InvalidInput([Fault("ids", f"there is no vector of {told}.")])
        return vectors[back]

    def _told(self, lost: Lost) -> str:
        share = f" ({lost.rows:,} of {self._total:,} vectors)" if lost.rows else ""
        return f"partial: the shard {lost.name}{share} was not asked. {lost.why}"


def _opened(shard: Shard, removed: np.ndarray) -> tuple[VectorSearch, str]:
    """Open a shard; where its index is damaged, its vectors alone, which are all that an answer needs."""

    def open_with(ann: AnnRecord | None) -> VectorSearch:
        return VectorSearch.open(shard.folder, shard.segments, dimension=shard.dimension, removed=removed, ann=ann)

    try:
        search = open_with(shard.ann)
    except CorruptArtifact as error:
        search = open_with(None)  # raises again where the vectors are what is damaged
        return search, f"{shard.name}: everything is compared. {error.message}"
    return search, f"{shard.name}: {search.note}" if search.note else ""


def _between(ids: np.ndarray, part: _Part) -> tuple[int, int]:
    """Return from where to where ``ids``, ascending, can lie in the part."""
    return int(np.searchsorted(ids, part.first)), int(np.searchsorted(ids, part.last, side="right"))


def _each(do: Callable[[Shard], _T], shards: Sequence[Shard]) -> list[_T]:
    """Do it for all shards, in as many threads as there are processors: opening mostly waits for the disk."""
    if len(shards) < 2:
        return [do(shard) for shard in shards]
    with ThreadPoolExecutor(max_workers=min(len(shards), os.cpu_count() or 1)) as pool:
        return list(pool.map(do, shards))


def _written_again(shards: Sequence[Shard], fresh: Sequence[Segment]) -> dict[str, np.ndarray]:
    """Return by shard the ids that a later one, or a fresh segment, holds too; ids are read only where ranges meet."""
    held = [(shard.first, shard.last, shard.segments) for shard in shards]
    for segment in fresh:
        if len(ids := _ids([segment])):
            held.append((int(ids.min()), int(ids.max()), (segment,)))
    found = {}
    for number, shard in enumerate(shards):
        meeting = [part for low, high, part in held[number + 1 :] if low <= shard.last and high >= shard.first]
        if meeting:
            found[shard.name] = np.intersect1d(_ids(shard.segments), np.concatenate([_ids(part) for part in meeting]))
    return found


def _ids(segments: Sequence[Segment]) -> np.ndarray:
    """Return the ids in ``segments``; none where one cannot be read: who opens it says what is wrong with it."""
    try:
        return np.concatenate([segment.ids() for segment in segments])
    except StoreError:
        return np.empty(0, np.int64)
