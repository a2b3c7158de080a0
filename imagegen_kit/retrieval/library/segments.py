"""The vectors of one embedder: which files hold them, which pictures lack one, and the search over them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.index import AnnRecord, Shard, ShardedIndex, VectorSearch, build, build_shards, kind_for
from imagegen_kit.retrieval.index.kinds import FLAT
from imagegen_kit.retrieval.index.shards import drop_shards, mark, rows_for, shards_for
from imagegen_kit.retrieval.index.vectors import Segment, leftovers, write_segment
from imagegen_kit.retrieval.library.schema import DAMAGE, damaged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.changes import Change
    from imagegen_kit.retrieval.library.records import Records

MANY_SMALL = 16  # segments below SMALL_ROWS are put together when there are so many
SMALL_ROWS = 4096
LAG = 0.1  # share of the vectors that an index may lack before it is built anew
REMOVED = 0.2  # share of the vectors whose pictures are removed, above which segments are rewritten


class Vectors:
    """What lies in ``vectors/<fingerprint>/`` and ``index/<fingerprint>/``; the database names the files."""

    def __init__(self, records: Records, home: Path, fingerprint: str, dimension: int, name: str) -> None:
        self.records, self.fingerprint, self.dimension, self.name = records, fingerprint, dimension, name
        self.folder = home / "vectors" / fingerprint[:16]
        self.index_folder = home / "index" / fingerprint[:16]

    @classmethod
    def of(cls, records: Records, home: Path, embedder: Embedder) -> Vectors:
        """Return those of an embedder."""
        return cls(records, home, embedder.fingerprint, embedder.dimension, embedder.name)

    @classmethod
    def all(cls, records: Records, home: Path) -> list[Vectors]:
        """Return those of every embedder that the library knows."""
        lines = records.read("SELECT fingerprint, dimension, name FROM embedders ORDER BY fingerprint")
        return [cls(records, home, *line) for line in lines]

    def segments(self) -> list[Segment]:
        """Return the segments that hold, by number."""
        sql = "SELECT record FROM segments WHERE fingerprint = ? ORDER BY number"
        try:
            return [
                Segment.from_plain(json.loads(line), self.folder)
                for (line,) in self.records.read(sql, (self.fingerprint,))
            ]
        except DAMAGE as error:
            raise damaged(self.records.path, "what it says of the files in vectors cannot be read") from error

    def known(self) -> AnnRecord | tuple[Shard, ...] | None:
        """Return what is known of the index: one file, or shards; None: there is none, all vectors are compared."""
        lines = self.records.read("SELECT ann FROM embedders WHERE fingerprint = ?", (self.fingerprint,))
        try:
            plain = json.loads(lines[0][0]) if lines and lines[0][0] else None
            if isinstance(plain, list):
                return tuple(Shard.from_plain(shard, self.index_folder) for shard in plain)
            return None if plain is None else AnnRecord.from_plain(plain)
        except DAMAGE as error:
            raise damaged(self.records.path, "what it says of the files in index cannot be read") from error

    def removed(self) -> np.ndarray:
        """Return the numbers of removed pictures whose vectors are still there, ascending."""
        return _numbers(self.records.read("SELECT number FROM items WHERE removed = 1 ORDER BY number"))

    def ids(self) -> np.ndarray:
        """Return the numbers of all pictures that have a vector, ascending; removed ones among them."""
        import numpy as np

        parts = [segment.ids() for segment in self.segments()]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def missing(self) -> np.ndarray:
        """Return the numbers of the pictures that have no vector, ascending."""
        import numpy as np

        ((rows,),) = self.records.read("SELECT count(*) FROM items WHERE removed < 2") or [(0,)]
        if rows == sum(segment.count for segment in self.segments()):
            return np.empty(0, np.int64)
        live = _numbers(self.records.read("SELECT number FROM items WHERE removed = 0 ORDER BY number"))
        return np.setdiff1d(live, self.ids(), assume_unique=True)

    def search(self) -> VectorSearch | ShardedIndex:
        """Return the search over all vectors.

        Raises StoreError where a file is missing or damaged; in shards, where that is so of all of them.
        """
        with self.records.together():
            segments, removed, known = self.segments(), self.removed(), self.known()
        if not isinstance(known, tuple):
            return VectorSearch.open(self.index_folder, segments, dimension=self.dimension, removed=removed, ann=known)
        here = {mark(segment): segment for segment in segments}
        holding = [
            replace(shard, segments=tuple(here.pop(mark(segment)) for segment in shard.segments))
            for shard in known
            if all(mark(segment) in here for segment in shard.segments)
        ]
        fresh = (self.index_folder, list(here.values()))
        return ShardedIndex.of(holding, dimension=self.dimension, fresh=fresh, removed=removed)

    # writing; only who holds the library may

    def write(self, ids: np.ndarray, vectors: np.ndarray) -> Segment:
        """Write one more segment, which holds once ``name_segment`` is committed."""
        lines = self.records.read("SELECT max(number) FROM segments WHERE fingerprint = ?", (self.fingerprint,))
        number = (lines[0][0] if lines and lines[0][0] is not None else -1) + 1
        return write_segment(self.folder, number, ids, vectors)

    def name_segment(self, change: Change, segment: Segment) -> None:
        """Let a segment hold."""
        self.name_embedder(change)
        record = json.dumps(segment.to_plain())
        change.connection.execute(
            "INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", (self.fingerprint, segment.number, record)
        )

    def name_embedder(self, change: Change) -> None:
        """Record which embedder it is."""
        values = (self.fingerprint, self.name, self.dimension)
        change.connection.execute("INSERT OR IGNORE INTO embedders VALUES (?, ?, ?, NULL)", values)

    def drop(self, change: Change, segments: Sequence[Segment]) -> None:
        """Let segments hold no longer; their files are deleted by ``delete`` after the commit."""
        for segment in segments:
            change.connection.execute(
                "DELETE FROM segments WHERE fingerprint = ? AND number = ?", (self.fingerprint, segment.number)
            )

    def forget(self) -> None:
        """Forget what cannot be read of segments, and the index; the pictures lack vectors then."""
        sql = "SELECT number, record FROM segments WHERE fingerprint = ?"
        gone = []
        for number, line in self.records.read(sql, (self.fingerprint,)):
            try:
                Segment.from_plain(json.loads(line), self.folder)
            except DAMAGE:
                gone.append((self.fingerprint, number))
        with self.records.writing() as change:
            change.connection.executemany("DELETE FROM segments WHERE fingerprint = ? AND number = ?", gone)
            change.connection.execute("UPDATE embedders SET ann = NULL WHERE fingerprint = ?", (self.fingerprint,))

    def delete(self, segments: Sequence[Segment]) -> None:
        """Delete the files of segments that no longer hold. Who has them open goes on reading."""
        for segment in segments:
            segment.path.unlink(missing_ok=True)
            segment.ids_path.unlink(missing_ok=True)

    def rewrite(self, chosen: Sequence[Segment], *, without: np.ndarray | None = None) -> None:
        """Put segments together into one, leaving out the numbers in ``without``."""
        import numpy as np

        ids = np.concatenate([segment.ids() for segment in chosen])
        rows = np.concatenate([segment.vectors(self.dimension) for segment in chosen])
        if without is not None and len(without):
            keep = ~np.isin(ids, without)
            ids, rows = ids[keep], rows[keep]
        one = self.write(ids, rows) if len(ids) else None
        with self.records.writing() as change:
            self.drop(change, chosen)
            self._name_index(change, self._untouched(chosen))
            if one is not None:
                self.name_segment(change, one)
        self.delete(chosen)

    def divide(self, pieces: int, *, without: np.ndarray) -> None:
        """Put all vectors into so many segments of about the same size, leaving out the numbers in ``without``."""
        import numpy as np

        old = self.segments()
        if len(old) == pieces and not len(without):
            return
        masks = [~np.isin(segment.ids(), without) for segment in old]
        total = sum(int(np.count_nonzero(mask)) for mask in masks)
        number, size, made = old[-1].number + 1, max(1, -(-total // pieces)), list[Segment]()
        ids, rows = list[np.ndarray](), list[np.ndarray]()

        def write() -> None:
            made.append(write_segment(self.folder, number + len(made), np.concatenate(ids), np.concatenate(rows)))
            ids.clear()
            rows.clear()

        for segment, mask in zip(old, masks, strict=True):
            at = np.flatnonzero(mask)
            while len(at):
                taken, at = np.split(at, [size - sum(map(len, ids))])
                ids.append(segment.ids()[taken])
                rows.append(segment.vectors(self.dimension)[taken])
                if sum(map(len, ids)) == size:
                    write()
        if ids:
            write()
        with self.records.writing() as change:
            self.drop(change, old)
            self._name_index(change, None)
            for segment in made:
                self.name_segment(change, segment)
        self.delete(old)

    def _untouched(self, gone: Sequence[Segment]) -> list[Shard] | None:
        """Return the shards that none of the segments ``gone`` is in; an index in one piece covers all of them."""
        known = self.known()
        numbers = {segment.number for segment in gone}
        kept = known if isinstance(known, tuple) else ()
        return [shard for shard in kept if not numbers & {s.number for s in shard.segments}] or None

    def _name_index(self, change: Change, index: AnnRecord | Sequence[Shard] | None) -> None:
        plain = index.to_plain() if isinstance(index, AnnRecord) else [shard.to_plain() for shard in index or ()]
        value = json.dumps(plain) if plain else None
        change.connection.execute("UPDATE embedders SET ann = ? WHERE fingerprint = ?", (value, self.fingerprint))

    def leftovers(self) -> list[Path]:
        """Return files of writers that were killed, which no row names."""
        return leftovers(self.folder, self.segments()) if self.folder.is_dir() else []

    def clean(self) -> int:
        """Delete the left-overs; return how many there were."""
        found = self.leftovers()
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def small(self) -> list[Segment]:
        """Return the small segments where there are so many that they should be put together."""
        found = [segment for segment in self.segments() if segment.count < SMALL_ROWS]
        return found if len(found) >= MANY_SMALL else []

    def index_lags(self) -> bool:
        """Whether an index is wanted and there is none, or it lacks more than a tenth of the vectors."""
        total = sum(segment.count for segment in self.segments())
        if kind_for(total) == FLAT:
            return False
        known = self.known()
        if isinstance(known, tuple):
            return total - sum(shard.rows for shard in known) > LAG * total
        return known is None or known.kind == FLAT or total - known.rows > LAG * total

    def index(self, kind: str | None = None, shards: int | None = None) -> None:
        """Build the index over all vectors, in so many shards (None: by size), and let it hold."""
        segments, removed = self.segments(), self.removed()
        total = sum(segment.count for segment in segments)
        pieces = shards or shards_for(total)
        made: AnnRecord | list[Shard]
        if pieces == 1 or not segments:
            made = build(self.index_folder, segments, removed, kind=kind, dimension=self.dimension)
        else:
            rows = -(-total // shards) if shards else rows_for(total)
            made = build_shards(self.index_folder, segments, removed, dimension=self.dimension, rows=rows, kind=kind)
        with self.records.writing() as change:
            self._name_index(change, made)
        drop_shards(self.index_folder, made if isinstance(made, list) else [])


def embedded(embedder: Embedder, images: Sequence[Image.Image]) -> np.ndarray:
    """Return (n, dimension) float32 vectors; raises InvalidInput, naming the embedder, for anything but that.

    A NaN, or a vector that is not of length 1, would never be found or always: nothing is written then.
    """
    import numpy as np

    vectors: Any = np.asarray(embedder.embed_images(images))
    wanted = (len(images), embedder.dimension)
    if vectors.shape != wanted:
        what = f"answered an array of shape {vectors.shape}, not {wanted}"
    elif not np.isfinite(vectors).all():
        what = (
            f"answered NaN or infinity for {int((~np.isfinite(vectors).all(axis=1)).sum())} of {len(images)} pictures"
        )
    elif np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0) > 1e-3:
        what = "answered vectors that are not of length 1"
    else:
        return np.ascontiguousarray(vectors, dtype=np.float32)
    raise InvalidInput(
        [Fault("embedder", f"{embedder.name} {what}.", "Nothing of these pictures was written. Mend the embedder.")]
    )


def _numbers(lines: Sequence[tuple[int]]) -> np.ndarray:
    import numpy as np

    return np.fromiter((number for (number,) in lines), dtype=np.int64, count=len(lines))
