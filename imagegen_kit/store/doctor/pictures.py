"""Pictures and their rows held against each other: damaged, missing, orphaned, half-written, without thumbnail."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagegen_kit.store.blobs import WRITING
from imagegen_kit.store.clean import ASIDE, finish
from imagegen_kit.store.doctor.files import FRESH_S, Found, damaged, files_of
from imagegen_kit.store.doctor.finding import Finding
from imagegen_kit.store.doctor.orphans import look_at_orphans
from imagegen_kit.store.doctor.thumbnails import look_at_thumbnails
from imagegen_kit.store.lock import hold
from imagegen_kit.store.referring import referring
from imagegen_kit.store.rot import fetch_back, mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.store import Store

_ROWS = "SELECT sha256, kind, format, size_bytes, removed_at, damaged_at FROM artifacts"
_HASH = re.compile(r"[0-9a-f]{64}")
# Pictures that people gave have no row of their own; what names them is what they were given to.
_GIVEN = (
    "SELECT sha256 FROM request_refs",
    "SELECT found FROM retrievals",
    "SELECT spec FROM runs WHERE spec LIKE '%\"sha256\"%'",
    "SELECT value FROM cell_params WHERE value LIKE '%\"sha256\"%'",
    "SELECT asked FROM requests WHERE asked LIKE '%\"mask\"%' OR kind = 'video'",
)


_FIX = (  # of pictures, and of texts
    "--repair puts it into quarantine and fetches the other copy",
    "--repair writes it again from the journal",
)


@dataclass(frozen=True, slots=True)
class _Row:
    sha256: str
    kind: str
    format: str
    size_bytes: int
    removed_at: str | None
    damaged_at: str | None


def look_at_pictures(store: Store, *, repair: bool, quick: bool, give_up: bool, now: datetime) -> list[Finding]:
    """Return what is wrong with the stored files; ``repair`` mends what can be mended without spending money."""
    findings = _left_aside(store, repair, now)
    found = list(files_of(store, "pictures"))
    findings += _strays(found, repair, now)
    known = {f.sha256: f for f in found if f.sha256 is not None}
    rows = [_Row(*row) for row in store.journal.read(_ROWS)]
    cut = {row.sha256 for row in rows if row.sha256 in known and known[row.sha256].size_bytes != row.size_bytes}
    rotten = cut | (set() if quick else damaged(known.values()))
    for row in rows:
        file = known.get(row.sha256)
        if row.sha256 in rotten:
            findings.append(_damaged(store, row, repair, give_up))
        elif file is None and row.removed_at is None:
            findings.append(_missing(store, row, repair, give_up))
        elif file is not None and repair and (row.removed_at or row.damaged_at):
            mark(store.journal, row.sha256, None)  # it has come back
    recorded, given = {row.sha256 for row in rows}, set[str]()
    without_row = [f for f in known.values() if f.sha256 not in recorded and now.timestamp() - f.written > FRESH_S]
    if without_row:
        given = {h for query in _GIVEN for (text,) in store.journal.read(query) for h in _HASH.findall(text or "")}
    findings += look_at_orphans(store, without_row, given, rotten, repair)
    sound = [row for row in rows if row.kind == "picture" and row.sha256 in known and row.sha256 not in rotten]
    findings += look_at_thumbnails(store, [(row.sha256, row.format) for row in sound], repair=repair, quick=quick)
    return findings


def _damaged(store: Store, row: _Row, repair: bool, give_up: bool) -> Finding:
    says = f"the {row.kind} no longer has the bytes it was stored with"
    return _mended(
        store, row, Finding(f"damaged {row.kind}", row.sha256, says, _FIX[row.kind == "text"]), repair, give_up
    )


def _missing(store: Store, row: _Row, repair: bool, give_up: bool) -> Finding:
    since = f"; it was found damaged on {row.damaged_at[:10]}" if row.damaged_at else ""
    says = f"the {row.kind} has a row and no file{since}"
    return _mended(
        store, row, Finding(f"missing {row.kind}", row.sha256, says, _FIX[row.kind == "text"]), repair, give_up
    )


def _mended(store: Store, row: _Row, finding: Finding, repair: bool, give_up: bool) -> Finding:
    """Return ``finding`` with what came of mending it, where that is wanted."""
    if not repair and not give_up:
        return finding
    if row.kind == "text":
        _write_text_again(store, row)
    store.blobs.forget(row.sha256)
    data, _, words = fetch_back(store.blobs, row.sha256, row.format)
    if data is not None:
        mark(store.journal, row.sha256, None)
        return replace(finding, fix="whole again", mended=True)
    if not give_up:
        return replace(finding, says=finding.says + words, fix="put a copy back, or --give-up")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    store.journal.write([("UPDATE artifacts SET removed_at = ? WHERE sha256 = ?", (at, row.sha256))]).result()
    return replace(finding, fix="given up: asked for again, it is bought again", mended=True)


def _write_text_again(store: Store, row: _Row) -> None:
    sql = "SELECT text FROM results WHERE sha256 = ? AND text IS NOT NULL LIMIT 1"
    for (text,) in store.journal.read(sql, (row.sha256,)):
        store.blobs.forget(row.sha256)
        store.blobs.put(text.encode(errors="replace"), row.sha256, row.format)


def _strays(found: Iterable[Found], repair: bool, now: datetime) -> list[Finding]:
    """Files that a killed process had begun, and files that are none of the store's."""
    findings = []
    for file in found:
        if file.sha256 is not None or now.timestamp() - file.written <= FRESH_S:
            continue
        if os.path.basename(file.path).startswith(WRITING):
            if repair:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file.path)
            findings.append(
                Finding("half-written file", file.path, "a process was stopped while it wrote", "--repair deletes it",
                        mended=repair)
            )  # fmt: skip
        else:
            says, fix = "its name is no hash, so it is none of the store's", "move it elsewhere"
            findings.append(Finding("foreign file", file.path, says, fix))
    return findings


def _left_aside(store: Store, repair: bool, now: datetime) -> list[Finding]:
    """What a clean-up that was stopped has left between its decision and the deletion."""
    folder = store.path / ASIDE
    try:
        count = len(os.listdir(folder))
        if now.timestamp() - folder.stat().st_mtime <= FRESH_S:
            return []  # one may be at work
    except OSError:
        return []
    if repair:
        release = hold(store.path / "locks" / "clean.lock", "a clean-up")
        try:
            finish(store, referring(store.journal))
        finally:
            release()
    says = f"a clean-up was stopped; {count} files lie aside"
    return [Finding("clean-up left", str(folder), says, "--repair ends it", mended=repair)]
