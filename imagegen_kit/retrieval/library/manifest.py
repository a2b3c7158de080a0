"""``manifest.json``: what a library consists of, for people and for other programs; written last, by atomic rename.

The database is the truth. The manifest repeats which embedder made the vectors, and the sha256 of each file, so that a
copy or a backup can be checked without this toolkit.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.library.places import MANIFEST
from imagegen_kit.retrieval.library.schema import DAMAGE, FORMAT, damaged

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.retrieval.library.records import Records


def manifest_of(records: Records) -> dict[str, Any]:
    """Return what the manifest has to say now."""
    embedders = []
    for fingerprint, name, dimension, ann in records.read("SELECT * FROM embedders ORDER BY fingerprint"):
        lines = records.read(
            "SELECT record FROM segments WHERE fingerprint = ? ORDER BY number", (fingerprint,)
        )  # fmt: skip
        try:
            segments = [json.loads(line) for (line,) in lines]
            total, index = sum(segment["count"] for segment in segments), json.loads(ann) if ann else None
        except DAMAGE as error:
            raise damaged(records.path, "what it says of the files in vectors cannot be read") from error
        embedders.append(
            {
                "name": name,
                "fingerprint": fingerprint,
                "dimension": dimension,
                "metric": "inner product of vectors of length 1",
                "vectors": total,
                "segments": segments,
                "index": index,
            }
        )
    live, removed = (
        records.read(f"SELECT count(*) FROM items WHERE removed {test} 0")[0][0] for test in ("=", ">")
    )  # fmt: skip
    return {
        "format": FORMAT,
        "generation": records.generation,
        "state": records.state,
        "pictures": live,
        "removed": removed,
        "embedders": embedders,
    }


def write_manifest(records: Records) -> None:
    """Write the manifest as it has to be now. Raises StoreError where it cannot be written."""
    text = json.dumps(manifest_of(records), indent=1, ensure_ascii=False)
    write_atomically(records.path.with_name(MANIFEST), text.encode("utf-8"))


def read_manifest(home: Path) -> dict[str, Any] | None:
    """Return what the manifest says; None where there is none, or where it cannot be read."""
    try:
        found = json.loads((home / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that there is the old one or the whole new one, on disk, whatever happens. Raises StoreError."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}. Nothing half-written is left."
        ) from error


def flush_folder(folder: Path) -> None:
    """Put the names in a folder on disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
