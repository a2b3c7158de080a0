"""One batch of pictures, merged with what the library has: which rows come, which change, which go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.library.firsts import MARK, follow, pass_on
from imagegen_kit.retrieval.library.report import AddReport, Rejected
from imagegen_kit.retrieval.library.rows import Row

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.changes import Change
    from imagegen_kit.retrieval.library.looking import Facts
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records
    from imagegen_kit.retrieval.library.seeing import Seen


class Batch:
    """Pictures are taken one by one; ``apply`` writes what has become of all of them."""

    def __init__(self, records: Records, place: Place, given: set[str]) -> None:
        self.records, self.place = records, place
        self._given = given  # hashes of pictures that this call brought, in the batches before too
        self.new: list[Row] = []
        self.looks: list[Facts] = []  # at the new rows' pictures, in the same order
        self.changed: dict[int, tuple[Row, Row]] = {}  # by number: as it was, as it will be
        self.gone: list[Row] = []
        self._next = records.next_number()
        self._now = now()
        self._outcomes: list[tuple[str, str]] = []  # what became of it, its number or the bytes' hash
        self._rejected: list[Rejected] = []

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)

    def reject(self, source: str, reason: str) -> None:
        """Note that a picture was not taken."""
        self._rejected.append(Rejected(source, reason))

    def take(self, seen: Seen) -> None:
        """Add a picture, or change what is said of it, or find that nothing is new."""
        about, source = seen.candidate.about, seen.candidate.source
        here = next((i for i, row in enumerate(self.new) if row.sha256 == seen.sha256), None)
        if here is not None:
            old: Row | None = self.new[here]
        else:
            stored = self.records.one("sha256", seen.sha256)
            old = self.changed[stored.number][1] if stored and stored.number in self.changed else stored
        id = about.get("id")
        if old is None:
            self._add(seen)
            return
        if id is not None and id != old.id and (seen.sha256 in self._given or self._owner(id) is not None):
            self.reject(source, f"the same picture is there already, as {old.id!r}.")
            return
        self._given.add(seen.sha256)
        new = self._mended(merged(old, about), seen)
        if new == old:
            self._outcomes.append(("duplicates", old.sha256))
        elif here is not None:
            self.new[here] = new
            self._outcomes.append(("duplicates", old.sha256))
        else:
            before = self.changed[old.number][0] if old.number in self.changed else old
            self.changed[old.number] = (before, replace(new, changed_at=self._now))
            self._outcomes.append(("updated", old.sha256))

    def _add(self, seen: Seen) -> None:
        look, about = seen.look, dict(seen.candidate.about)
        assert look is not None
        assert seen.path is not None
        replaced = self.records.one("path", seen.path)
        if replaced is not None and (replaced in self.gone or replaced.number in self.changed):
            replaced = None
        id = about.pop("id", None)
        owner = self._owner(id) if id is not None else None
        if owner is not None and owner != replaced:
            self.reject(
                seen.candidate.source, f"the id {id!r} is that of another picture. Choose another, or remove it."
            )
            return
        base = replaced or Row(0, "", "", "", "", 0, 0, added_at=self._now)
        row = merged(replace(base, meta={k: v for k, v in base.meta.items() if k != MARK}), about)  # of other bytes
        row = replace(
            row, number=self._next, id=id or (replaced.id if replaced else self._free_id(seen)), sha256=look.sha256,
            path=seen.path, format=look.format, width=look.width, height=look.height, size_bytes=look.size_bytes,
            dhash=look.dhash, phash=look.phash, changed_at=self._now,
        )  # fmt: skip
        self._next += 1
        self._given.add(look.sha256)
        self.new.append(row)
        self.looks.append(look)
        if replaced is not None:
            self.gone.append(replaced)
        self._outcomes.append(("updated" if replaced is not None else "added", look.sha256))

    def _mended(self, row: Row, seen: Seen) -> Row:
        """Return the row with the path at which the same bytes were given, where its own leads nowhere any more."""
        if seen.path is None or seen.path == row.path:
            return row
        if not seen.copied and os.path.isfile(os.path.join(self.place.folder, row.path)):
            return row
        return replace(row, path=seen.path)

    def _owner(self, id: str) -> Row | None:
        """Return the row that has this id now, or will have it."""
        for row in (*self.new, *(new for _, new in self.changed.values())):
            if row.id == id:
                return row
        stored = self.records.one("id", id)
        if stored is None or stored.number in self.changed or stored in self.gone:
            return None
        return stored

    def _free_id(self, seen: Seen) -> str:
        """Return an id made from the file's name, or the picture's own name, that nobody has."""
        picture = seen.candidate.picture
        stem = picture.stem if isinstance(picture, Path) else seen.candidate.about.get("name") or ""
        base = "".join(c if c.isprintable() else "-" for c in stem).strip()[:100] or seen.sha256[:12]
        for id in (base, f"{base}-{seen.sha256[:6]}"):
            if self._owner(id) is None:
                return id
        return f"{base}-{seen.sha256}"

    def apply(self, change: Change) -> None:
        """Write it all in one transaction."""
        for row in self.gone:
            change.remove(row)
        for before, after in self.changed.values():
            change.replace(before, after)
        for row in self.new:
            change.insert(row)
        if self.gone:
            pass_on(change, self.records, self.gone, self._now, but={row.number for row in self.new})
        for before, after in self.changed.values():
            if before.id != after.id:
                follow(change, self.records, before.id, after.id, self._now)

    def report(self) -> AddReport:
        """Return what became of each picture, by the ids that they have now."""
        rows = {row.sha256: row.id for row in (*self.new, *(new for _, new in self.changed.values()))}
        named: dict[str, list[str]] = {"added": [], "updated": [], "duplicates": []}
        for outcome, sha256 in self._outcomes:
            row = None if sha256 in rows else self.records.one("sha256", sha256)
            named[outcome].append(rows.get(sha256) or (row.id if row else sha256))
        added, updated, duplicates = (tuple(named[name]) for name in ("added", "updated", "duplicates"))
        return AddReport(added, updated, duplicates, tuple(self._rejected))


def merged(row: Row, about: Mapping[str, Any]) -> Row:
    """Return ``row`` with what is newly said of it; a key whose value is None is cleared."""
    fields = dict(about)
    if "meta" in fields:
        fields["meta"] = {k: v for k, v in {**row.meta, **fields["meta"]}.items() if v is not None}
    for name, empty in (("tags", ()), ("variations", ()), ("role", "content")):
        if name in fields and fields[name] is None:
            fields[name] = empty
    return replace(row, **fields)


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
