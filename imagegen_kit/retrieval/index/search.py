"""``VectorSearch``: the nearest vectors of a library, compared exactly or found through a derived index."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.index.approximate import Approximate
from imagegen_kit.retrieval.index.files import WHOLE_BYTES, check
from imagegen_kit.retrieval.index.kinds import FLAT, PROMISED, AnnRecord, known_kind
from imagegen_kit.retrieval.index.layout import arrange, live_rows
from imagegen_kit.retrieval.index.rows import NARROW, Rows, compare
from imagegen_kit.retrieval.index.scan import best

if TYPE_CHECKING:
    from imagegen_kit.retrieval.index.vectors import Segment

MOST_NUMBERS = 50_000_000  # of an answer: queries × top_k
MANY = 20  # of the rows an index is asked for at most one in so many; for more, everything is compared


@dataclass(frozen=True, slots=True)
class Neighbours:
    """``ids`` (q, k) int64, best first, -1 where there are fewer; ``scores`` (q, k) float32 inner products, there -inf.

    ``exact``: every row that could be found was compared, or the rest is proven to be worse. ``seconds`` it took.
    ``partial`` says, for people, which part of the vectors could not be asked, and why; empty: all were.
    ``among`` is how many vectors could be found: of those that are allowed, and that could be asked.
    """

    ids: np.ndarray
    scores: np.ndarray
    exact: bool
    seconds: float
    partial: tuple[str, ...] = ()
    among: int = 0


class VectorSearch:
    """Searches the vectors of some segments; nothing in it changes, several threads may search at once.

    ``note`` says, for people, why an index is not used, or that it finds less than is promised; "" where all is well.
    ``partial`` is what every answer leaves out: nothing, here.
    """

    partial: tuple[str, ...] = ()

    def __init__(
        self,
        segments: Sequence[Segment],
        dimension: int,
        removed: np.ndarray,
        approximate: Approximate | None,
        note: str,
    ) -> None:
        self.dimension, self.note = dimension, note
        self._segments, self._removed, self._approximate = tuple(segments), removed, approximate

    @classmethod
    def open(
        cls,
        folder: Path,
        segments: Sequence[Segment],
        *,
        dimension: int,
        removed: np.ndarray | None = None,
        ann: AnnRecord | None = None,
        kind: str | None = None,
    ) -> VectorSearch:
        """Open ``segments`` and the index ``ann``, whose file is in ``folder``; ids of ``removed`` are never found.

        ``kind`` "flat" compares everything, whatever index there is; another one uses ``ann`` only if it is of that
        kind; None: ``ann`` if there is one. Up to 64 MB in all, every byte is compared with its sha256 here; above, 8
        blocks of each file are, and the header and the size: that sees a file that was cut, swapped or half-written,
        not every flipped byte (``lib.verify()`` reads all of it). An index that is gone, or was made from other
        segments, is done without: ``note`` says so. Raises CorruptArtifact with the name of a damaged file, StoreError,
        InvalidInput.
        """
        known_kind(kind)
        if dimension < 1 or (ann is not None and ann.dimension != dimension):
            raise InvalidInput([Fault("dimension", f"is {dimension}, and the index has {ann and ann.dimension}.")])
        ann, note = _usable(folder, segments, ann, kind)
        total = sum(s.count for s in segments) * dimension * 4 + (ann.size if ann else 0)
        whole = total <= WHOLE_BYTES
        for segment in segments:
            check(segment.path, segment.sha256, segment.sample, whole=whole, what="The segment")
            check(segment.ids_path, segment.ids_sha256, segment.ids_sample, whole=whole, what="The segment")
            segment.look(dimension)
        approximate = None
        if ann is not None and ann.file is not None:
            check(folder / ann.file, ann.sha256, ann.sample, whole=whole, what="The index")
            approximate = Approximate(folder / ann.file, ann)
            covered = {number: place for place, (number, _, _) in enumerate(ann.watermark)}
            segments = sorted(segments, key=lambda s: covered.get(s.number, len(covered)))
        gone = np.unique(np.asarray([] if removed is None else removed, np.int64))
        return cls(segments, dimension, gone, approximate, note)

    @property
    def kind(self) -> str:
        """The kind of index that is in use: "flat" where everything is compared."""
        return self._approximate.record.kind if self._approximate else FLAT

    @cached_property
    def _blocks(self) -> tuple[list[Rows], list[Rows]]:
        """The rows that the index covers, in its order, and all others."""
        masks = live_rows([segment.ids() for segment in self._segments], self._removed)
        number = len(self._approximate.record.watermark) if self._approximate else 0
        covered = [
            Rows(segment.ids(), segment.vectors(self.dimension), live)
            for segment, live in zip(self._segments[:number], masks[:number], strict=True)
        ]
        return covered, arrange(self._segments[number:], masks[number:], self.dimension)

    @cached_property
    def _everything(self) -> list[Rows]:
        covered, fresh = self._blocks
        return [*covered, *fresh]

    @cached_property
    def _live(self) -> np.ndarray | None:
        """Which rows of the index may be found; None: all."""
        covered, _ = self._blocks
        if all(block.live is None for block in covered):
            return None
        return np.concatenate([np.ones(len(b.ids), bool) if b.live is None else b.live for b in covered])

    @cached_property
    def _count(self) -> int:
        return sum(block.count for block in self._everything)

    def __len__(self) -> int:
        return self._count

    def search(
        self, queries: np.ndarray, top_k: int, *, allowed: np.ndarray | None = None, exact: bool = False
    ) -> Neighbours:
        """Return the ``top_k`` nearest to each of ``queries``, (q, dimension) or (dimension,) float32.

        ``allowed``: only these ids, ascending, may be found. ``exact``: everything is compared, index or not. Raises
        InvalidInput for a wrong dimension, NaN or inf, and a ``top_k`` below 1.
        """
        start = time.perf_counter()
        asked = checked_queries(queries, top_k, self.dimension)
        k = min(top_k, self._count)
        places = None
        if allowed is not None:
            numbers = ascending(allowed)
            places = [block.places(numbers) for block in self._everything]
        proven = True
        if not k:
            scores, ids = np.empty((len(asked), 0), np.float32), np.empty((len(asked), 0), np.int64)
        elif self._approximate is None or exact or self._few(places, k):
            scores, ids = compare(self._everything, asked, k, places)
        else:
            scores, ids, proven = self._through_index(self._approximate, asked, k, places)
        if ids.shape[1] < top_k:
            missing = ((0, 0), (0, top_k - ids.shape[1]))
            ids = np.pad(ids, missing, constant_values=-1)
            scores = np.pad(scores, missing, constant_values=-np.inf)
        among = self._count if places is None else sum(map(len, places))
        return Neighbours(ids, scores, proven, time.perf_counter() - start, among=among)

    def vectors_of(self, ids: np.ndarray) -> np.ndarray:
        """Return the vectors of ``ids`` in the order asked, (n, dimension) float32. Raises InvalidInput."""
        wanted = np.asarray(ids, np.int64).reshape(-1)
        for block in self._everything:
            if (at := block.all_places(wanted)) is not None:  # most often: few ids, and all in one place
                return np.asarray(block.vectors[at], np.float32)
        distinct, back = np.unique(wanted, return_inverse=True)
        vectors, found = self.lookup(distinct)
        if not found.all():
            missing = distinct[~found]
            raise InvalidInput([Fault("ids", f"there is no vector of {', '.join(map(str, missing[:5]))}.")])
        return vectors[back]

    def lookup(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of ``ids``, ascending and all different, and a mask of those that there are."""
        found = np.zeros(len(ids), bool)
        vectors = np.empty((len(ids), self.dimension), np.float32)
        for block in self._everything:
            at = block.places(ids)
            into = np.searchsorted(ids, block.ids[at])
            vectors[into], found[into] = block.vectors[at], True
        return vectors, found

    def _few(self, places: Sequence[np.ndarray] | None, top_k: int) -> bool:
        """Say whether comparing everything is better: a narrow filter, or a large part of all is asked for."""
        count = self._count if places is None else sum(len(at) for at in places)
        return (places is not None and count <= NARROW * self._count) or top_k * MANY > count

    def _through_index(
        self, index: Approximate, asked: np.ndarray, top_k: int, places: Sequence[np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        covered, fresh = self._blocks
        mask, share = self._live, 1.0
        if places is not None:
            starts = np.cumsum([0, *(len(block.ids) for block in covered)])
            mask = np.zeros(starts[-1], bool)
            for start, at in zip(starts, places[: len(covered)], strict=False):
                mask[start + at] = True
            share = max(1, int(np.count_nonzero(mask))) / len(mask)
        scores, ids, proven = index.search(covered, asked, top_k, mask, share)
        parts = [(scores, ids)]
        if fresh:
            parts.append(compare(fresh, asked, top_k, None if places is None else places[len(covered) :]))
        scores, ids = best(parts, top_k)
        if len(short := np.flatnonzero(ids[:, -1] < 0)):  # too few in the cells looked into: there are others
            found = compare(self._everything, asked[short], top_k, places)
            k = found[1].shape[1]
            scores[short, :k], ids[short, :k] = found
            proven = len(short) == len(asked) or proven
        return scores, ids, proven


def checked_queries(queries: np.ndarray, top_k: int, dimension: int) -> np.ndarray:
    """Return ``queries`` as (q, dimension) float32. Raises InvalidInput with all that is wrong with the question."""
    asked = np.ascontiguousarray(queries, np.float32)
    if asked.ndim == 1:
        asked = asked.reshape(1, -1)
    faults = []
    if asked.ndim != 2 or asked.shape[1] != dimension or not len(asked):
        told = f"must be (n, {dimension}), n at least 1; it is {np.shape(queries)}."
        faults.append(Fault("vector", told, "Was it made by the embedder of this library?"))
    elif not _finite(asked):
        faults.append(Fault("vector", "is not finite: it holds NaN or inf."))
    if isinstance(top_k, bool) or not isinstance(top_k, (int, np.integer)) or top_k < 1:
        faults.append(Fault("top_k", f"must be a whole number, at least 1; it is {top_k!r}."))
    elif top_k * max(1, len(asked)) > MOST_NUMBERS:
        faults.append(Fault("top_k", f"{top_k} for each of {len(asked)} queries is too much for one answer."))
    if faults:
        raise InvalidInput(faults)
    return asked


def _finite(asked: np.ndarray) -> bool:
    if len(asked) == 1:  # NaN and inf stay in a sum of squares; this is several times faster than asking each number
        return math.isfinite(asked[0].dot(asked[0]))
    return bool(np.isfinite(asked).all())


def ascending(allowed: np.ndarray) -> np.ndarray:
    """Return ``allowed`` as (n,) int64. Raises InvalidInput where they are no ids, or not in ascending order."""
    numbers = np.asarray(allowed)
    if numbers.ndim != 1 or (len(numbers) and numbers.dtype.kind not in "iu"):
        raise InvalidInput([Fault("allowed", f"must be ids, (n,) int64; it is {numbers.dtype} {numbers.shape}.")])
    if not bool(np.all(numbers[1:] > numbers[:-1])):
        raise InvalidInput([Fault("allowed", "must be ascending, each id once.", "Use numpy.unique.")])
    return numbers.astype(np.int64, copy=False)


def _usable(
    folder: Path, segments: Sequence[Segment], ann: AnnRecord | None, kind: str | None
) -> tuple[AnnRecord | None, str]:
    """Return the record of the index that can be used, and why not where there is one."""
    if kind == FLAT:
        return None, ""
    if ann is None or ann.kind == FLAT:
        return None, "" if kind is None else f"there is no index of the kind {kind} yet: everything is compared"
    if kind is not None and ann.kind != kind:
        return None, f"the index is of the kind {ann.kind}, not {kind}: everything is compared"
    if not ann.covers(segments):
        return None, f"the index {ann.file} was made from other segments: everything is compared"
    if not (folder / str(ann.file)).exists():
        return None, f"the index {folder / str(ann.file)} is gone: everything is compared"
    measured = ann.parameters.get("recall", 1.0)
    return ann, "" if measured >= PROMISED else f"the index finds {measured:.0%} of the true ten nearest"
