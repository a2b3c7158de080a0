"""Whatever people give to ``Library.add``, divided into lots: what a library takes anyway, Parquet, tar, buckets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.library.about import read_about
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.sources import candidates
from imagegen_kit.retrieval.lots.buckets import bucket_lots, is_address
from imagegen_kit.retrieval.lots.lot import PICTURES, Lot
from imagegen_kit.retrieval.lots.tables import table_lots
from imagegen_kit.retrieval.lots.tars import tar_lots

TABLE, TAR = ".parquet", ".tar"
BESIDE = (".md", ".txt", ".json", ".idx")  # what lies beside them


def is_bulk(source: Any) -> bool:
    """Whether ``source`` is what only lots can read: Parquet, a tar, a bucket, a folder of those, or a list of them."""
    if isinstance(source, (list, tuple)):
        return bool(source) and all(map(is_bulk, source))
    return isinstance(source, (str, Path)) and (is_address(source) or bool(_files(source)))


def lots_of(source: Any, given: Mapping[str, Any], *, folder: Path, size: int = PICTURES) -> list[Lot]:
    """Return ``source`` in lots of at most ``size`` pictures; ``given`` holds for each, unless the source says else.

    Raises InvalidInput with every fault of the call, and StoreError where a source cannot be read.
    """
    if not is_bulk(source):
        return [_of_candidates(part) for part in _parts(candidates(source, given, folder=folder), size)]
    faults: list[Fault] = []
    common = read_about(given, "", faults)
    if "id" in common:
        faults.append(Fault("id", f"{common['id']!r} cannot be the id of many pictures.", "Leave it out."))
    if faults:
        raise InvalidInput(faults)
    found: list[Lot] = []
    for one in source if isinstance(source, (list, tuple)) else [source]:
        if is_address(one):
            found += bucket_lots(str(one), common, size)
            continue
        for path in _files(one):
            found += (table_lots if path.suffix.lower() == TABLE else tar_lots)(path, common, size)
    return found


def _files(source: str | os.PathLike[str]) -> list[Path]:
    """Return the Parquet and tar files that a path stands for: itself, or a folder that holds nothing but those."""
    try:
        path = Path(source).expanduser().absolute()
        if path.is_file():
            return [path] if path.suffix.lower() in (TABLE, TAR) else []
        inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith((".", "_")))
    except (OSError, RuntimeError, ValueError):
        return []
    if any(entry.is_dir() or entry.suffix.lower() not in (TABLE, TAR, *BESIDE) for entry in inside):
        return []
    return [entry for entry in inside if entry.suffix.lower() in (TABLE, TAR)]


def _parts(found: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]


def _of_candidates(part: Sequence[Candidate]) -> Lot:
    return Lot(len(part), [_told(candidate) for candidate in part], partial(_all, tuple(part)))


def _all(part: Sequence[Candidate]) -> Iterator[Candidate]:
    yield from part


def _told(candidate: Candidate) -> Any:
    """Return what tells a candidate from another: its path, how the file is now, and what is said of it."""
    picture, about = candidate.picture, repr(sorted(candidate.about.items()))
    if isinstance(picture, Path):
        try:
            state = picture.stat()
        except (OSError, ValueError):
            return [ascii(str(picture)), about]
        return [ascii(str(picture)), state.st_size, state.st_mtime_ns, about]
    if isinstance(picture, bytes):
        return [hashlib.sha256(picture).hexdigest(), about]
    return [candidate.source, getattr(picture, "sha256", None), about]
