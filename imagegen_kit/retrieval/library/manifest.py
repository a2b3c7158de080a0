"""``manifest.json``: what a library consists of, for people and for other programs; written last, by atomic rename.

The database is the truth. The manifest repeats which embedder made the vectors, and the sha256 of each file, so that a
copy or a backup can be checked without this toolkit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.index.files import write_whole
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
    write_whole(records.path.with_name(MANIFEST), lambda part: part.write_text(text, encoding="utf-8"))


def read_manifest(home: Path) -> dict[str, Any] | None:
    """Return what the manifest says; None where there is none, or where it cannot be read."""
    try:
        found = json.loads((home / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
