"""Bundles: one run in one ``.zip`` that anybody can read and nobody has to trust.

``manifest.json`` (written last) names every other member with its sha256; ``journal/<table>.jsonl`` holds the rows, one
a line after a line of column names; ``pictures/`` and ``thumbnails/`` hold files by their hash. There is no database
file and no pickle in it, and nothing is unpacked by the name that the archive gives it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedReader

    from imagegen_kit.store.slices import Row, Slice

VERSION = 1
MANIFEST = "manifest.json"
ABOUT = """This is a bundle of imagegen_kit: one run, whole. Open it in Python:

    import imagegen_kit as ik
    run = ik.open_run("{name}")
    run; run.table(); run.summary()

Without the kit: pictures/ holds the pictures by their sha256, journal/ the rows as JSON lines, and manifest.json the
sha256 of every file.
"""
_DAY = (1980, 1, 1, 0, 0, 0)  # the same run makes the same bytes on any day
_PACKED = (".json", ".jsonl", ".txt")


def rows_as_lines(rows: Iterable[Row]) -> bytes:
    """Return rows as JSON lines: the names of the columns, then the values of each row. Empty where there is none."""
    lines: list[str] = []
    for row in rows:
        if not lines:
            lines.append(_json(list(row)))
        lines.append(_json(list(row.values())))
    return "".join(f"{line}\n" for line in lines).encode()


def write_bundle(path: Path, rows: Slice, files: Iterable[tuple[str, bytes]], about: dict[str, Any]) -> Path:
    """Write a bundle to ``path``, whole or not at all, and return it. Raises StoreError where it cannot be written.

    ``files`` are further members as (name, bytes), taken one at a time; ``about`` goes into the manifest. The same run
    gives the same bytes (as long as Python packs JSON alike).
    """
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    members: dict[str, dict[str, Any]] = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    _add(archive, members, "README.txt", ABOUT.format(name=path.name).encode())
                    for table, found in rows.items():
                        _add(archive, members, f"journal/{table}.jsonl", rows_as_lines(found))
                    for name, data in files:
                        _add(archive, members, name, data)
                    manifest = {"bundle": VERSION, **about, "members": members}
                    text = json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1)
                    _add(archive, {}, MANIFEST, text.encode())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"the bundle {path} cannot be written: {error.strerror or error}.") from error
    return path


def _add(archive: zipfile.ZipFile, members: dict[str, dict[str, Any]], name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _DAY)
    info.create_system, info.external_attr = 3, 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_PACKED) else zipfile.ZIP_STORED
    members[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    archive.writestr(info, data)


def bundle_path(path: str | Path) -> Path:
    """Return where a bundle shall be written. Raises InvalidInput for a folder or another suffix than ``.zip``."""
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise InvalidInput([Fault("path", f"{path!r} is not a path.", 'Write it like "run.zip".')])
    target = Path(path).expanduser()
    try:
        is_folder = target.is_dir()
    except OSError as error:
        raise InvalidInput(
            [Fault("path", f"the path cannot be used: {error.strerror}.", "Name a shorter one.")]
        ) from error
    if is_folder:
        raise InvalidInput([Fault("path", f"{target} is a folder.", "Add a file name.")])
    if not target.suffix:
        target = target.with_name(f"{target.name}.zip")
    if target.suffix.lower() != ".zip":
        raise InvalidInput([Fault("path", f"{target.name!r} does not end in .zip.", "A bundle is a .zip file.")])
    return target


def digest_of(file: BufferedReader) -> str:
    """Return the sha256 of an open file, and go back to its start."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
