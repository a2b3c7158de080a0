"""Files without a row: taken up where they are sound pictures, put into quarantine where they are damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging import provenance
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.store.doctor.finding import Finding
from imagegen_kit.store.rot import quarantine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from imagegen_kit.store import Store
    from imagegen_kit.store.doctor.files import Found
    from imagegen_kit.store.journal import Statement

PICTURES = ("png", "jpeg", "webp")
TEXTS = ("txt", "json")
_INSERT = "INSERT OR IGNORE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
_EVENT = "INSERT INTO events (name, detail, created_at) VALUES ('adopted', ?, ?)"


def look_at_orphans(
    store: Store, files: Iterable[Found], given: Collection[str], rotten: Collection[str], repair: bool
) -> list[Finding]:
    """Return the files that no row knows. ``given``: pictures that people gave, which need none."""
    findings = []
    for file in files:
        sha256, format = str(file.sha256), str(file.format)
        if sha256 in given and sha256 not in rotten:
            continue
        unsound = sha256 in rotten or (format in PICTURES and not _sound(file))
        if unsound:
            says = "a picture that was given has changed" if sha256 in given else "nothing knows it, and it is damaged"
            if repair:
                if sha256 in rotten:
                    quarantine(store.blobs, sha256, format)
                else:
                    _set_aside(store, file)
            fix = "it lies in quarantine/ now" if repair else "--repair puts it into quarantine"
            findings.append(Finding("damaged file", sha256, says, fix, mended=repair and sha256 not in given))
        elif format not in (*PICTURES, *TEXTS):
            findings.append(Finding("foreign file", file.path, "nothing knows it", "move it elsewhere"))
        else:
            if repair:
                store.journal.write(_rows(file)).result()
                if format in PICTURES:
                    small = thumbnail(open_sound(Path(file.path).read_bytes()))
                    store.blobs.put_thumbnail(sha256, small)
            says = "a sound file without a row"
            fix = "it has a row now" if repair else "--repair takes it up"
            findings.append(Finding("orphan", sha256, says, fix, mended=repair))
    return findings


def _sound(file: Found) -> bool:
    try:
        open_sound(Path(file.path).read_bytes())
    except (InvalidInput, OSError):
        return False
    return True


def _set_aside(store: Store, file: Found) -> None:
    folder = store.path / "quarantine"
    folder.mkdir(exist_ok=True)
    Path(file.path).replace(folder / Path(file.path).name)


def _rows(file: Found) -> list[Statement]:
    """Return the row of an orphan, and an event with what it claims about itself.

    Anybody can write such a claim into a file, so no request is ever answered from it; only its time and its parents
    are taken over.
    """
    data = Path(file.path).read_bytes()
    record: dict[str, Any] = {}
    width = height = None
    if file.format in PICTURES:
        record = provenance.read(data) or {}
        width, height = open_sound(data).size
    at = _moment(record.get("created_at")) or datetime.fromtimestamp(file.written, UTC)
    parents = [p for p in record.get("parents") or () if isinstance(p, str) and len(p) == 64]
    kind, created = "picture" if file.format in PICTURES else "text", at.isoformat(timespec="milliseconds")
    row = (
        file.sha256, kind, file.format, width, height, len(data), json.dumps(parents) if parents else None, created,
    )  # fmt: skip
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [(_INSERT, row), (_EVENT, (json.dumps({"sha256": file.sha256, "claims": record}), now))]


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
