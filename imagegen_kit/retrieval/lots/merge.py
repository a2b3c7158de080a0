"""Merging lots into a library: one after the other, by whoever holds it for writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.clusters.spreading import spread
from imagegen_kit.errors import CorruptArtifact, Fault, ImagegenError, InvalidInput
from imagegen_kit.registry import get_registry
from imagegen_kit.retrieval.index.files import write_whole
from imagegen_kit.retrieval.library.adding import write
from imagegen_kit.retrieval.library.merging import Batch
from imagegen_kit.retrieval.library.places import LOTS
from imagegen_kit.retrieval.library.report import AddReport, Rejected
from imagegen_kit.retrieval.lots.made import Made, drop_made, is_made, read_made
from imagegen_kit.retrieval.lots.near import NearDuplicates
from imagegen_kit.retrieval.lots.work import Work, Workplace

if TYPE_CHECKING:
    from imagegen_kit.clusters.spreading import Spreads
    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.writing import Writing
    from imagegen_kit.retrieval.lots.lot import Lot

TIDIED = 128  # lots after which their small segments are put together


class Merging:
    """One call of ``Library.add`` whose pictures come in lots."""

    def __init__(self, writing: Writing, *, copy: bool, told: Callable[[int, int], None]) -> None:
        self.writing, self.copy, self.told = writing, copy, told
        self.folder = writing.place.home / LOTS / writing.vectors.fingerprint[:16]
        self.near = NearDuplicates(writing.vectors)
        self.report = AddReport()
        self._given: set[str] = set()

    def run(self, lots: Sequence[Lot], engine: Spreads) -> AddReport:
        """Have all lots embedded, merge each as soon as it is there, and return what became of the pictures.

        A lot that is merged is in the database; one that is not stays in ``lots`` and is not embedded again by the next
        call with the same pictures. Raises InvalidInput where the embedder fails, StoreError where the disk does.
        """
        writing = self.writing
        writing.vectors.clean()
        make = partial(Work, self._workplace())
        keyed = {lot.key(writing.vectors.fingerprint, copy=self.copy): lot for lot in lots}
        total, done = sum(lot.count for lot in keyed.values()), 0
        refused = [lot.refused for lot in keyed.values() if lot.refused is not None]
        if refused:
            self.report += AddReport(rejected=tuple(refused))
            self.told(done := len(refused), total)
        lots_left = {key: lot for key, lot in keyed.items() if lot.refused is None}
        before = [key for key in lots_left if is_made(self.folder / key)]
        rest = [(key, lot) for key, lot in lots_left.items() if key not in set(before)]
        with spread(engine, make, rest) as answers:
            for number, answer in enumerate(chain(({"key": key} for key in before), answers), 1):
                done = self._take(answer, keyed, make, done, total)
                self._tidy(number)
        with suppress(OSError):
            (self.folder / "known.npy").unlink()
            self.folder.rmdir()
            self.folder.parent.rmdir()
        writing.settle()
        return self.report

    def _take(
        self, answer: dict[str, Any], keyed: dict[str, Lot], make: Callable[[], Work], done: int, total: int
    ) -> int:
        key = answer["key"]
        lot = keyed[key]
        if answer.get("mend"):
            raise InvalidInput([Fault("embedder", str(answer["failed"]), "What was merged before is kept.")])
        if "failed" in answer:
            told = f"{lot.count:,} pictures were not read: {answer['failed']} Add them again: the others are there."
            self.report += AddReport(rejected=(Rejected(f"lot {key}", told),))
        else:
            self._merge(self._made(key, lot, make))
            drop_made(self.folder / key)
        self.told(done + lot.count, total)
        return done + lot.count

    def _made(self, key: str, lot: Lot, make: Callable[[], Work]) -> Made:
        """Return what was made of a lot; where a byte of it is wrong, it is made again, here."""
        read = partial(read_made, self.folder / key, self.writing.place.folder, self.writing.vectors.fingerprint)
        try:
            return read()
        except CorruptArtifact:
            drop_made(self.folder / key)
            make()(key, lot)
            return read()

    def _merge(self, made: Made) -> None:
        records, vectors = self.writing.records, self.writing.vectors
        merged, at = Batch(records, self.writing.place, self._given), dict[str, int]()
        for one in made.seen:
            if one.look is not None:
                at.setdefault(one.sha256, len(at))
        for one in made.seen:
            if one.reason:
                merged.reject(one.candidate.source, one.reason)
            elif one.look is None and records.one("sha256", one.sha256) is None:
                merged.reject(one.candidate.source, "it was removed while it was being added. Add it again.")
            else:
                merged.take(one)
        if merged:
            rows = made.vectors[[at[row.sha256] for row in merged.new]] if merged.new else None
            if rows is not None:
                merged.new = self.near.marked(merged.new, rows, merged.gone)
            write(merged, records, vectors, rows)
            self.writing.manifest()
        self.report += merged.report()

    def _tidy(self, number: int) -> None:
        if number % TIDIED == 0:
            self.writing.together()
            self.near.refresh()

    def _workplace(self) -> Workplace:
        """Make the folder of this call and write down which pictures are there already."""
        lines = self.writing.records.read("SELECT substr(sha256, 1, 16) FROM items WHERE removed = 0")
        known = np.sort(np.array([int(line, 16) for (line,) in lines], np.uint64))
        write_whole(self.folder / "known.npy", lambda part: np.save(part, known))
        place, embedder = self.writing.place, self.writing.embedder
        return Workplace(
            place.folder, self.folder, self.folder / "known.npy", sendable(embedder), embedder.fingerprint, self.copy
        )  # fmt: skip


def sendable(embedder: Embedder) -> str | Embedder:
    """Return the embedder's name where another process can load it by that, else the embedder itself."""
    try:
        get_registry().retriever_target(embedder.name.partition(":")[0], "embedder")
    except ImagegenError:
        return embedder
    return embedder.name
