"""Looking a library over: every file against its hash, every row against its vector; and mending what is derived."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.index.files import WRITING, sha256_of
from imagegen_kit.retrieval.index.shards import manifest_fault, write_manifest
from imagegen_kit.retrieval.index.vectors import faults_of
from imagegen_kit.retrieval.library.folders import picture_files
from imagegen_kit.retrieval.library.manifest import manifest_of, read_manifest
from imagegen_kit.retrieval.library.merging import now
from imagegen_kit.retrieval.library.places import LOTS, PICTURES
from imagegen_kit.retrieval.library.report import Finding, VerifyReport
from imagegen_kit.retrieval.library.rows import EMPTY_STATE, moved_state, stored_path
from imagegen_kit.retrieval.library.segments import Vectors

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.rows import Row
    from imagegen_kit.retrieval.library.writing import Writing


class Verification:
    """One look at a library. ``repair`` needs the right to write: derived things are made anew, moved files found."""

    def __init__(self, writing: Writing, *, repair: bool) -> None:
        self.writing, self.repair = writing, repair
        self.records, self.place = writing.records, writing.place
        self.findings: list[Finding] = []

    def run(self) -> VerifyReport:
        """Look at everything and return what was found."""
        try:
            self._database()
            rows = self.records.rows()
        except StoreError as error:
            self._found("database", self.records.path, error.message)
            return VerifyReport(tuple(self.findings), 0, 0)
        self._files(rows)
        count = 0
        for vectors in Vectors.all(self.records, self.place.home):
            count += self._vectors(vectors)
        self._parts()
        self._manifest()
        return VerifyReport(tuple(self.findings), len(rows), count)

    def _found(self, kind: str, where: object, what: str, *, repaired: bool = False) -> None:
        self.findings.append(Finding(kind, str(where), what, repaired))

    def _database(self) -> None:
        for (line,) in self.records.read("PRAGMA integrity_check"):
            if line != "ok":
                self._found("database", self.records.path, f"{line}. Put a copy back.")
        state = moved_state(EMPTY_STATE, (), self.records.rows())
        if state != self.records.state:
            what = (
                "its rows are not those that were written: a byte was changed outside of this toolkit. Put a copy back."
            )
            self._found("database", self.records.path, what)

    def _files(self, rows: list[Row]) -> None:
        wrong: list[tuple[Row, str]] = []
        for row in rows:
            problem = _problem(Path(os.path.join(self.place.folder, row.path)), row)
            if problem:
                wrong.append((row, problem))
        if not wrong:
            return
        elsewhere = self._moved(
            {row.size_bytes for row, _ in wrong}, {row.path for row in rows} - {r.path for r, _ in wrong}
        )
        for row, problem in wrong:
            path = elsewhere.get(row.sha256)
            if path is None:
                told = "it is not there." if problem == "missing file" else "its bytes are not those that were added."
                hint = "Put it back" if problem == "missing file" else "Put the old one back, or add it again"
                self._found(problem, row.path, f"{row.id}: {told} {hint}, or remove {row.id!r}.")
                continue
            if self.repair:
                with self.records.writing() as change:
                    change.replace(row, replace(row, path=path, changed_at=now()))
            self._found("moved file", row.path, f"{row.id}: it lies at {path} now.", repaired=self.repair)

    def _moved(self, sizes: set[int], taken: set[str]) -> dict[str, str]:
        """Return where files with the sizes that are looked for lie in the library's folder, by their hash."""
        found = {}
        for path, refused in picture_files(self.place.folder) if self.place.folder.is_dir() else ():
            stored = stored_path(path, self.place.folder)
            if not refused and stored not in taken and path.stat().st_size in sizes:
                found[_hash(path)] = stored
        return found

    def _vectors(self, vectors: Vectors) -> int:
        """Look at the segments and the index of one embedder; return how many segments there were."""
        own = vectors.fingerprint == self.writing.embedder.fingerprint
        try:
            segments, _ = vectors.segments(), vectors.known()
        except StoreError as error:
            self._found("database", self.records.path, error.message, repaired=self.repair)
            if not self.repair:
                return 0
            vectors.forget()
            segments = vectors.segments()
        bad = []
        for segment in segments:
            if faults := faults_of(segment, vectors.dimension):
                self._damaged(faults, own)
                bad.append(segment)
        if bad and self.repair:
            with self.records.writing() as change:
                vectors.drop(change, bad)
            vectors.delete(bad)
        self._index(vectors, rebuild=bool(bad))
        if not bad or self.repair:
            self._rows(vectors, own, after=bool(bad))
        for path in vectors.leftovers():
            if self.repair:
                path.unlink(missing_ok=True)
            self._found("left-over", path.name, "a killed writer left it; no row names it.", repaired=self.repair)
        return len(segments)

    def _damaged(self, faults: list[str], own: bool) -> None:
        for fault in faults:
            hint = "" if self.repair and own else " verify(repair=True) makes it anew from the pictures."
            self._found("vectors", "vectors", fault + hint, repaired=self.repair)

    def _rows(self, vectors: Vectors, own: bool, *, after: bool) -> None:
        missing = vectors.missing() if own else ()  # of another one: who opens the library with it is told
        if len(missing):
            failed = self.writing.embed_missing() if self.repair else None
            for one in failed or ():
                self._found("no vector", one.source, one.reason)
            count = len(missing) - len(failed or ())
            if count and not after:
                what = f"{count:,} pictures have no vector of {vectors.name!r}."
                self._found("no vector", vectors.folder.name, what, repaired=failed is not None)
        self._orphans(vectors)

    def _orphans(self, vectors: Vectors) -> None:
        import numpy as np

        lines = self.records.read("SELECT number FROM items")
        unknown = np.setdiff1d(vectors.ids(), np.array([n for (n,) in lines], dtype=np.int64))
        if len(unknown):
            if self.repair:
                vectors.rewrite(vectors.segments(), without=unknown)
            what = f"{len(unknown):,} vectors belong to no picture."
            self._found("vector without a picture", vectors.folder.name, what, repaired=self.repair)

    def _index(self, vectors: Vectors, *, rebuild: bool) -> None:
        known = vectors.known()
        shards = known if isinstance(known, tuple) else ()
        files = [(shard.folder, shard.ann) for shard in shards]
        if known is not None and not isinstance(known, tuple):
            files = [(vectors.index_folder, known)]
        for shard in shards:
            if fault := manifest_fault(shard):
                if self.repair:
                    write_manifest(shard)
                self._found("index", shard.name, fault, repaired=self.repair)
        faults = [
            (folder, f"{ann.file} is damaged or gone.")
            for folder, ann in files
            if ann.file is not None and _hash(folder / ann.file) != ann.sha256
        ]
        for folder, fault in faults:
            self._found("index", folder.name, fault, repaired=self.repair)
        if (faults or (rebuild and files)) and self.repair:
            with self.records.writing() as change:
                change.connection.execute(
                    "UPDATE embedders SET ann = NULL WHERE fingerprint = ?", (vectors.fingerprint,)
                )  # fmt: skip
            for folder, _ in faults if shards else ():
                shutil.rmtree(folder, ignore_errors=True)  # the shards that are sound are not built again
            vectors.index(files[0][1].kind, len(shards) or None)

    def _parts(self) -> None:
        """Find files that a killed writer had begun and never named."""
        folders = {self.place.home, self.place.home / "index", self.place.folder / PICTURES}
        for path in sorted(path for folder in folders for path in folder.glob(f"{WRITING}*")):
            if self.repair:
                path.unlink(missing_ok=True)
            self._found("left-over", path.name, "a killed writer had begun it.", repaired=self.repair)

        for path in sorted((self.place.home / LOTS).glob("*/*/")):
            if self.repair:
                shutil.rmtree(path, ignore_errors=True)
            what = "it was embedded and never merged: add the same pictures again."
            self._found("left-over", f"{LOTS}/{path.name}", what, repaired=self.repair)

    def _manifest(self) -> None:
        try:
            if not self.records.generation or read_manifest(self.place.home) == manifest_of(self.records):
                return
        except StoreError:  # what cannot be read of the segments was found before
            return
        if self.repair:
            try:
                self.writing.manifest()
            except StoreError as error:
                self._found("manifest", self.place.home, error.message)
                return
        elif read_manifest(self.place.home) is None:
            self._found("manifest", self.place.home, "it is not there, or cannot be read.")
            return
        if not self.findings or not self.repair:
            self._found("manifest", self.place.home, "it says something else than the database.", repaired=self.repair)


def _problem(path: Path, row: Row) -> str:
    try:
        if path.stat().st_size != row.size_bytes:
            return "changed file"
        return "" if _hash(path) == row.sha256 else "changed file"
    except OSError:
        return "missing file"


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""
