"""Adding pictures: looked at in threads, embedded in batches; a batch that is written survives whatever comes after."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from imagegen_kit.retrieval.library.looking import Look
from imagegen_kit.retrieval.library.merging import Batch
from imagegen_kit.retrieval.library.report import AddReport
from imagegen_kit.retrieval.library.seeing import Seen, see
from imagegen_kit.retrieval.library.segments import Vectors, embedded

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.candidate import Candidate
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records

BATCH = 64
Told = Callable[[int, int], None]  # pictures done, and of how many


def add_all(
    found: Sequence[Candidate], records: Records, place: Place, embedder: Embedder, *, copy: bool, told: Told,
    written: Callable[[], None],
) -> AddReport:  # fmt: skip
    """Add the candidates and return what became of each; ``written`` runs after each batch is on disk.

    Only who holds the library for writing may. Raises StoreError or InvalidInput where the disk or the embedder fails:
    the batches before are kept.
    """
    report, vectors = AddReport(), Vectors.of(records, place.home, embedder)
    given: set[str] = set()
    look = partial(see, records=records, place=place, copy=copy)
    for number, batch in enumerate(batches(found, look)):
        merged = Batch(records, place, given)
        for seen in batch:
            if seen.reason:
                merged.reject(seen.candidate.source, seen.reason)
                continue
            if seen.look is None and records.one("sha256", seen.sha256) is None:  # it was there, and was replaced since
                seen = see(seen.candidate, records, place, copy=copy)  # noqa: PLW2901
            merged.take(seen)
        if merged:
            _write(merged, records, vectors, embedder)
            written()
        report += merged.report()
        told(min(len(found), (number + 1) * BATCH), len(found))
    return report


def batches(
    found: Iterable[Candidate], look: Callable[[Candidate], Seen], threads: int | None = None
) -> Iterator[list[Seen]]:  # fmt: skip
    """Yield what ``look`` has seen, 64 at a time and in order; meanwhile the next ones are looked at in threads.

    ``threads`` None: as many as there are processors.
    """
    pool = ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1, thread_name_prefix="imagegen-library")
    waiting: deque[Future[Seen]] = deque()
    try:
        batch: list[Seen] = []
        for candidate in found:
            waiting.append(pool.submit(look, candidate))
            if len(waiting) > BATCH:
                batch.append(waiting.popleft().result())
            if len(batch) == BATCH:
                yield batch
                batch = []
        while waiting:
            batch.append(waiting.popleft().result())
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write(merged: Batch, records: Records, vectors: Vectors, embedder: Embedder) -> None:
    images = [look.image for look in merged.looks if isinstance(look, Look)]
    write(merged, records, vectors, embedded(embedder, images) if images else None)


def write(merged: Batch, records: Records, vectors: Vectors, made: np.ndarray | None) -> None:
    """Write what has become of a batch; ``made`` (n, dimension) are the vectors of its new rows, None without any.

    Vectors first, rows second: a killed writer leaves at most files that no row names.
    """
    import numpy as np

    segment = None
    if made is not None:
        segment = vectors.write(np.array([row.number for row in merged.new], dtype=np.int64), made)
    with records.writing() as change:
        if segment is None:
            vectors.name_embedder(change)
        else:
            vectors.name_segment(change, segment)
        merged.apply(change)
