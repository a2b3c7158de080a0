"""Building a derived index from the segments: streamed, measured, swapped in by a rename."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.index.files import WRITING, write_whole
from imagegen_kit.retrieval.index.half import CANDIDATES
from imagegen_kit.retrieval.index.kinds import (
    FLAT,
    FP16,
    MANY_CELLS,
    POINTS_A_CELL,
    UP_TO,
    AnnRecord,
    kind_for,
    known_kind,
    new_index,
)
from imagegen_kit.retrieval.index.layout import live_rows
from imagegen_kit.retrieval.index.rows import Rows, compare
from imagegen_kit.retrieval.index.scan import load_faiss, one_thread

if TYPE_CHECKING:
    from imagegen_kit.retrieval.index.vectors import Segment

CHUNK = 32_768  # rows that are read at once: 64 MB at 512 numbers
LOCK, FILE = "index.lock", "index-{:06d}.faiss"
ASKED = 128  # queries that measure an index
NOISE = (0.25, 0.5)  # how far three quarters of them lie from a stored vector; the others lie midway between two
RECALL, LOST = 0.99, 0.002  # what the cells must hold (.98 is promised), and what too few candidates may lose of it
PROBES = (8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512)
OVER_FETCH = (40, 60, 100, 200, 400, 800)
TOP_K = 10


def build(
    folder: Path, segments: Sequence[Segment], removed: np.ndarray, *, kind: str | None = None, dimension: int,
    nearest: int = TOP_K,
) -> AnnRecord:  # fmt: skip
    """Build the index of ``segments`` without the ids of ``removed``, and return what belongs into the manifest.

    ``kind`` None: by size. ``nearest``: how many of the true nearest it is to hold; of a shard, those of the ten that
    may lie in it. One process at a time builds in a folder. The file is whole and on disk when this returns;
    its predecessor stays for readers that are just opening it, older ones and what killed builders left go first. Who
    has one open goes on reading it.
    Memory: the index itself (520 bytes a vector of 512 numbers for ``ivf-sq8``, 72 for ``ivf-pq``, 1 KB for ``fp16``)
    and about 300 MB. Raises InvalidInput for an unknown kind, StoreError where another builds or there is no room.
    """
    from filelock import FileLock, Timeout

    known_kind(kind)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            return _build(folder, segments, np.asarray(removed, np.int64), kind, dimension, nearest)
    except Timeout:
        raise StoreError(
            f"another process is building the index in {folder}. Wait for it, then open it again."
        ) from None
    except OSError as error:
        raise StoreError(f"the index in {folder} could not be built: {error.strerror or error}.") from error


def _build(
    folder: Path, segments: Sequence[Segment], removed: np.ndarray, kind: str | None, dimension: int, nearest: int
) -> AnnRecord:
    masks = live_rows([segment.ids() for segment in segments], removed)
    blocks = [Rows(s.ids(), s.vectors(dimension), live) for s, live in zip(segments, masks, strict=True)]
    count = sum(block.count for block in blocks)
    kind = kind_for(count, kind)
    old = sorted(folder.glob(FILE.replace("{:06d}", "*")))
    for gone in [*(old if kind == FLAT else old[:-1]), *folder.glob(f"{WRITING}*.faiss")]:
        gone.unlink(missing_ok=True)
    if kind == FLAT:
        return AnnRecord(None, FLAT, dimension)
    with one_thread(count <= UP_TO[FLAT]):
        index, parameters = _filled(kind, dimension, blocks, count, nearest)
    path = folder / FILE.format(1 + max((int(p.stem.rpartition("-")[2]) for p in old), default=0))
    mark = write_whole(path, lambda part: load_faiss().write_index(index, str(part)))
    watermark = tuple((s.number, s.count, s.sha256) for s in segments)
    return AnnRecord(path.name, kind, dimension, parameters, mark.sha256, mark.sample, mark.size, watermark)


def _filled(
    kind: str, dimension: int, blocks: Sequence[Rows], count: int, nearest: int
) -> tuple[Any, dict[str, float]]:  # fmt: skip
    """Return the index with all rows in it, and its parameters."""
    index = new_index(kind, dimension, count)
    if kind == FP16:
        for block in blocks:  # removed rows too: the rows of this kind have no names
            index.add(block.vectors)
        return index, {"over_fetch": CANDIDATES}
    points = POINTS_A_CELL if index.nlist <= MANY_CELLS else POINTS_A_CELL // 2
    index.train(_sample(blocks, index.nlist * points))
    for vectors, rows in _chunks(blocks):
        index.add_with_ids(vectors, rows)
    return index, {"cells": index.nlist, **_measured(index, blocks, nearest)}


def _chunks(blocks: Sequence[Rows]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return the vectors that may be found, some at a time, and in which row of all segments each lies."""
    offset = 0
    for block in blocks:
        for start in range(0, len(block.ids), CHUNK):
            part = block.vectors[start : start + CHUNK]
            rows = np.arange(offset + start, offset + start + len(part))
            if block.live is not None:
                live = block.live[start : start + CHUNK]
                part, rows = part[live], rows[live]
            if len(rows):
                yield part, rows
        offset += len(block.ids)


def _sample(blocks: Sequence[Rows], most: int) -> np.ndarray:
    """Return up to ``most`` vectors, drawn evenly over all that may be found, always the same ones."""
    count = sum(block.count for block in blocks)
    drawn = np.sort(np.random.default_rng(0).choice(count, min(most, count), replace=False))
    parts, start = [], 0
    for block in blocks:
        here = drawn[(drawn >= start) & (drawn < start + block.count)] - start
        parts.append(block.vectors[here if block.live is None else np.flatnonzero(block.live)[here]])
        start += block.count
    return np.concatenate(parts)


def _measured(index: Any, blocks: Sequence[Rows], nearest: int) -> dict[str, float]:
    """Choose how many cells are looked into, and how many rows are compared again, from exact answers.

    Every query is compared with everything.
    """
    queries = _asked(_sample(blocks, ASKED))
    numbered, offset = [], 0
    for block in blocks:
        numbered.append(Rows(np.arange(offset, offset + len(block.ids)), block.vectors, block.live))
        offset += len(block.ids)
    _, wanted = compare(numbered, queries, nearest)
    probes, shares = 0, [0.0]
    for probes in (p for p in PROBES if p < 2 * index.nlist):
        _, found = index.search(queries, OVER_FETCH[-1], params=load_faiss().SearchParametersIVF(nprobe=probes))
        shares = [
            float(np.mean([len(np.intersect1d(w, f[:most])) / len(w) for w, f in zip(wanted, found, strict=True)]))
            for most in OVER_FETCH
        ]
        if max(shares) >= RECALL:
            break
    enough = max(shares) - LOST
    over_fetch, recall = next((m, share) for m, share in zip(OVER_FETCH, shares, strict=True) if share >= enough)
    return {"probes": probes, "over_fetch": over_fetch, "recall": round(recall, 4)}


def _asked(stored: np.ndarray) -> np.ndarray:
    """Return queries such as will come: like a stored vector but not it, and between two, as a mixed query is."""
    luck = np.random.default_rng(1)
    away = luck.standard_normal(stored.shape, dtype=np.float32)
    away *= np.resize(np.array(NOISE, np.float32), len(stored))[:, None] / np.linalg.norm(away, axis=1, keepdims=True)
    queries = stored + away
    between = slice(0, len(stored), 4)
    queries[between] = stored[between] + stored[::-1][between]
    queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-6)
    return queries
