"""Stored bytes that changed or went: into quarantine, and back from the other copy where there is one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from concurrent.futures import wait
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import CorruptArtifact, StoreError

if TYPE_CHECKING:
    from imagegen_kit.store.blobs import Blobs
    from imagegen_kit.store.journal import Journal

QUARANTINE = "quarantine"
BUY_AGAIN = (
    "What it cost is not spent again by itself: Policy(cache=False) buys this one anew; `imagegen doctor --give-up` "
    "gives up all that is lost, so that equal requests are bought again."
)
_MARKS = "SELECT removed_at, damaged_at FROM artifacts WHERE sha256 = ?"


def mend(blobs: Blobs, sha256: str, format: str) -> bytes:
    """Return the bytes of a file that was found damaged or missing, from the other copy; the file is whole again then.

    A damaged file goes to ``quarantine/`` and its row is marked. Raises CorruptArtifact or StoreError, with what to do,
    where no sound copy is left.
    """
    data, kept, words = fetch_back(blobs, sha256, format)
    if data is not None:
        return data
    path = blobs.name(sha256, format)
    removed, damaged = marks(blobs.journal, sha256)
    if kept is None and removed is not None:
        raise StoreError(
            f"The stored picture {path} is gone: clean-up removed it on {removed[:10]}. Its row stays; asked for "
            "again, it is made, and paid for, anew."
        )
    if kept is None and damaged is None:
        raise StoreError(f"The stored picture {path} is gone{words}. {BUY_AGAIN}")
    there = f"what was found lies in {kept}" if kept is not None else f"it was found so on {str(damaged)[:10]}"
    raise CorruptArtifact(
        f"The stored picture {path} no longer has the bytes it was stored with; {there}{words}. {BUY_AGAIN}"
    )


def fetch_back(blobs: Blobs, sha256: str, format: str) -> tuple[bytes | None, str | None, str]:
    """Return sound bytes, or None, where a damaged file lies now, and in words why there is no other copy."""
    kept, sound = quarantine(blobs, sha256, format)
    if sound is not None:  # somebody has put it back since
        return sound, None, ""
    copy, words = other_copy(blobs, sha256, format)
    if copy is not None:
        with contextlib.suppress(StoreError):  # a store that can only be read, or a full disk: the bytes are good
            blobs.put(copy, sha256, format)
            mark(blobs.journal, sha256, None)
    return copy, kept, words


def quarantine(blobs: Blobs, sha256: str, format: str) -> tuple[str | None, bytes | None]:
    """Move the file away if it is damaged; return where it lies now (None: there is no file), or its sound bytes.

    It is judged after the move: between two looks somebody may have written it anew.
    """
    path = blobs.name(sha256, format)
    folder = os.path.join(blobs.root, QUARANTINE)
    kept = os.path.join(folder, f"{sha256}-{secrets.token_hex(4)}.{format}")
    if not os.path.exists(path):
        return None, None
    try:
        os.makedirs(folder, exist_ok=True)
        os.rename(path, kept)
    except OSError:  # a store that can only be read: it stays where it is
        kept = path
    try:
        data = Path(kept).read_bytes()
    except OSError:  # somebody else has moved it
        return None, None
    if hashlib.sha256(data).hexdigest() == sha256:
        if kept != path:
            os.replace(kept, path)
        return None, data
    mark(blobs.journal, sha256, datetime.now(UTC).isoformat(timespec="milliseconds"))
    return kept, None


def other_copy(blobs: Blobs, sha256: str, format: str) -> tuple[bytes | None, str]:
    """Return the bytes that another place keeps, verified; else None and, in words, why."""
    if blobs.other_copy is None:
        return None, ", and there is no other copy"
    try:
        data = blobs.other_copy(sha256, format)
    except Exception as error:  # whatever an object store's client raises: the damage is what has to be told
        return None, f", and the other copy cannot be reached ({error})"
    if data is None:
        return None, ", and the other place has no copy"
    if hashlib.sha256(data).hexdigest() != sha256:
        return None, ", and the other copy is damaged too"
    return data, ""


def mark(journal: Journal | None, sha256: str, damaged_at: str | None) -> None:
    """Note in the artifact's row since when it is damaged, or that it is whole (None); the file is what counts."""
    if journal is None or journal.read_only:
        return
    sql, values = "UPDATE artifacts SET damaged_at = NULL, removed_at = NULL WHERE sha256 = ?", [sha256]
    if damaged_at is not None:
        sql, values = (
            "UPDATE artifacts SET damaged_at = ? WHERE sha256 = ? AND damaged_at IS NULL",
            [damaged_at, sha256],
        )
    wait([journal.write([(sql, values)])], timeout=1.0)  # a journal that is locked must not hold the reader up


def marks(journal: Journal | None, sha256: str) -> tuple[str | None, str | None]:
    """Return when the bytes were removed by clean-up and when they were found damaged, None where they were not."""
    if journal is None:
        return None, None
    rows = journal.read(_MARKS, (sha256,))
    return rows[0] if rows else (None, None)
