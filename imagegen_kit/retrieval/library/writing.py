"""All that changes a library. Only who holds it (``only_writer``) may ask."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.decode import DEFAULT
from imagegen_kit.imaging.files import read_picture_file
from imagegen_kit.retrieval.index.shards import check_number, grouped, shards_for
from imagegen_kit.retrieval.library.about import FIELDS, read_about
from imagegen_kit.retrieval.library.adding import BATCH, Told, add_all
from imagegen_kit.retrieval.library.firsts import follow, pass_on
from imagegen_kit.retrieval.library.locking import only_writer
from imagegen_kit.retrieval.library.looking import look_at
from imagegen_kit.retrieval.library.manifest import write_manifest
from imagegen_kit.retrieval.library.merging import merged, now
from imagegen_kit.retrieval.library.report import AddReport, Rejected
from imagegen_kit.retrieval.library.segments import REMOVED, Vectors, embedded

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.candidate import Candidate
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records
    from imagegen_kit.retrieval.library.rows import Row

TOGETHER_ROWS = 250_000  # that small segments are put together to at most: they are in memory while that is done


@contextlib.contextmanager
def held(records: Records, place: Place, embedder: Embedder) -> Iterator[Writing]:
    """Hold the library for writing while the block runs; raises StoreError where another holds it too long."""
    with only_writer(place.home):
        yield Writing(records, place, embedder)


class Writing:
    """The changes of one library, each on disk when it returns, the manifest last."""

    def __init__(self, records: Records, place: Place, embedder: Embedder) -> None:
        self.records, self.place, self.embedder = records, place, embedder
        self.vectors = Vectors.of(records, place.home, embedder)

    def manifest(self) -> None:
        """Write the manifest as it has to be now."""
        write_manifest(self.records)

    def add(self, found: Sequence[Candidate], *, copy: bool, told: Told) -> AddReport:
        """Add pictures and tidy up where that is due; first, what a killed writer left."""
        self.vectors.clean()
        report = add_all(
            found, self.records, self.place, self.embedder, copy=copy, told=told, written=self.manifest
        )  # fmt: skip
        self.settle()
        return report

    def remove(self, rows: Sequence[Row]) -> int:
        """Remove pictures from the library; their files stay. Returns how many."""
        if rows:
            with self.records.writing() as change:
                for row in rows:
                    change.remove(row)
                pass_on(change, self.records, rows, now())
            self.manifest()
            self.settle()
        return len(rows)

    def update(self, row: Row, about: Mapping[str, Any]) -> None:
        """Change what is said of a picture; None clears a field."""
        faults: list[Fault] = []
        said = read_about({k: v for k, v in about.items() if v is not None}, "", faults)
        for key in (k for k, v in about.items() if v is None):
            if key in ("id",):
                faults.append(Fault(key, "every picture has one.", "Give another one."))
            elif key in FIELDS:
                said[key] = None
            else:
                said.setdefault("meta", {})[key] = None
        if "id" in said and said["id"] != row.id and self.records.one("id", said["id"]) is not None:
            faults.append(Fault("id", f"{said['id']!r} is that of another picture.", "Ids are unique."))
        if faults:
            raise InvalidInput(faults)
        changed = merged(row, said)
        if changed != row:
            with self.records.writing() as change:
                change.replace(row, replace(changed, changed_at=now()))
                if changed.id != row.id:
                    follow(change, self.records, row.id, changed.id, now())
            self.manifest()

    def embed_missing(self) -> tuple[Rejected, ...]:
        """Embed every picture that has no vector; return those whose files are not there any more, or have changed."""
        rejected: list[Rejected] = []
        numbers = self.vectors.missing().tolist()
        with self.records.writing() as change:
            self.vectors.name_embedder(change)
        for start in range(0, len(numbers), BATCH):
            rows = self.records.rows_of(numbers[start : start + BATCH])
            looks = {}
            for number, row in rows.items():
                try:
                    _, data = read_picture_file(
                        self.place.folder / Path(row.path), where=row.id, max_bytes=DEFAULT.max_bytes
                    )  # fmt: skip
                    look = look_at(data, where=row.id)
                except InvalidInput as error:
                    rejected.append(Rejected(row.id, error.message))
                    continue
                if look.sha256 == row.sha256:
                    looks[number] = look.image
                else:
                    rejected.append(Rejected(row.id, f"{row.path} has changed since it was added."))
            if looks:
                made = embedded(self.embedder, list(looks.values()))
                segment = self.vectors.write(np.array(list(looks), dtype=np.int64), made)
                with self.records.writing() as change:
                    self.vectors.name_segment(change, segment)
        self.manifest()
        self.settle()
        return tuple(rejected)

    def settle(self) -> None:
        """Put many small segments together, rewrite where a fifth is removed, build the index where it lags."""
        total = sum(segment.count for segment in self.vectors.segments())
        if total and len(self.vectors.removed()) > REMOVED * total:
            self.compact()
            return
        small = self.together()
        lags = self.vectors.index_lags()
        if lags:
            self.vectors.index()
        if small or lags:
            self.manifest()

    def together(self) -> bool:
        """Put many small segments together; say whether there were any."""
        small = self.vectors.small()
        for group in grouped(small, TOGETHER_ROWS):
            if len(group) > 1:
                self.vectors.rewrite(group)
        return bool(small)

    def compact(self, kind: str | None = None, shards: int | None = None) -> None:
        """Rewrite all vectors without those of removed pictures, and build the index anew, in one piece or in shards.

        Each shard is one segment then, or there is one segment in all. Raises InvalidInput where
        ``shards`` is no number of shards.
        """
        check_number(shards)
        gone = self.vectors.removed()
        for vectors in Vectors.all(self.records, self.place.home):
            segments = vectors.segments()
            pieces = shards or shards_for(sum(segment.count for segment in segments))
            if segments and pieces > 1:
                vectors.divide(pieces, without=gone)
            elif len(segments) > 1 or (segments and len(gone)):
                vectors.rewrite(segments, without=gone)
        if len(gone):
            with self.records.writing() as change:
                change.connection.execute(
                    "UPDATE items SET removed = 2, caption = NULL, description = NULL, tags = '[]', meta = '{}' "
                    "WHERE removed = 1"
                )
        if kind is not None or shards is not None or self.vectors.index_lags():
            self.vectors.index(kind, shards)
        self.manifest()
