"""``library.jsonl``: how libraries are exchanged and shipped, one JSON object a line beside the pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault
from imagegen_kit.retrieval.index.files import write_whole
from imagegen_kit.retrieval.library.about import read_about
from imagegen_kit.retrieval.library.local import local
from imagegen_kit.retrieval.library.rows import stored_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from imagegen_kit.retrieval.library.rows import Row

MOST_BYTES_OF_A_LINE = 2**20
_OUTSIDE = "its path leads out of the folder of library.jsonl. Add the file by itself."


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the picture's path (absolute), what is said of it, and the hash that its file must have (or None)."""

    source: str
    path: Path
    about: Mapping[str, Any]
    sha256: str | None
    refused: str = ""


def read_exchange(file: Path, faults: list[Fault]) -> Iterator[Line]:
    """Yield the lines of a ``library.jsonl``; what cannot be read is added to ``faults`` with its line.

    Such files come from anywhere: a path that leads out of the file's folder is taken only where the line gives the
    sha256 too, so that nothing is opened to the reader which its writer did not have.
    """
    root = file.parent
    try:
        with file.open("rb") as lines:
            for number, raw in enumerate(iter(lambda: lines.readline(MOST_BYTES_OF_A_LINE + 1), b""), start=1):
                where = f"{file.name}:{number}"
                if raw.strip() and (line := _read(raw, where, root, faults)) is not None:
                    yield line
    except OSError as error:
        faults.append(Fault(str(file), f"cannot be read: {error.strerror or error}."))


def _read(raw: bytes, where: str, root: Path, faults: list[Fault]) -> Line | None:
    if len(raw) > MOST_BYTES_OF_A_LINE:
        faults.append(Fault(where, "is longer than 1 MiB."))
        return None
    try:
        plain = json.loads(raw)
    except (ValueError, RecursionError) as error:
        faults.append(Fault(where, f"is no JSON: {str(error)[:100]}."))
        return None
    if not isinstance(plain, dict):
        faults.append(Fault(where, "is no JSON object.", 'Write {"path": "pictures/a.png", …}.'))
        return None
    path, sha256 = plain.pop("path", None), plain.pop("sha256", None)
    about = read_about(plain, where, faults, computed=True)
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        faults.append(Fault(f"{where}.path", "names no picture.", "Give its path, relative to this file."))
        return None
    if sha256 is not None and not isinstance(sha256, str):
        faults.append(Fault(f"{where}.sha256", "is no text."))
        return None
    place = root / local(path)
    return Line(f"{where} {path[:200]}", place, about, sha256, "" if sha256 else _leaves(place, root))


def _leaves(path: Path, root: Path) -> str:
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return _OUTSIDE
    except (ValueError, OSError, RuntimeError):
        return _OUTSIDE
    return ""


def write_exchange(file: Path, rows: Iterable[Row], folder: Path) -> Path:
    """Write the rows of the library in ``folder`` to ``file``, and return it. Raises StoreError."""
    lines = [exchange_line(replace(row, path=stored_path(folder / row.path, file.parent))) + "\n" for row in rows]
    write_whole(file, lambda part: part.write_bytes("".join(lines).encode("utf-8")))
    return file


def exchange_line(row: Row) -> str:
    """Return the line that describes a picture; what is not known is left out."""
    plain: dict[str, Any] = {"id": row.id, "path": row.path, "sha256": row.sha256, "role": row.role}
    for name in ("name", "caption", "description", "tags", "variations", "licence"):
        if value := getattr(row, name):
            plain[name] = value
    return json.dumps({**plain, **row.meta}, ensure_ascii=False)
