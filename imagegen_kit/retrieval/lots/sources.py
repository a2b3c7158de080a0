"""Whatever people give to ``Library.add``, divided into lots: what a library takes anyway, Parquet, tar, buckets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.library.about import read_about
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.folders import OPENED
from imagegen_kit.retrieval.library.local import local
from imagegen_kit.retrieval.library.sources import candidates
from imagegen_kit.retrieval.lots.buckets import bucket_lots, is_address
from imagegen_kit.retrieval.lots.lot import PICTURES, Lot
from imagegen_kit.retrieval.lots.tables import table_lots
from imagegen_kit.retrieval.lots.tars import tar_lots

TABLE, TAR = ".parquet", ".tar"
NO_PICTURES = "it holds no picture."
BESIDE = (".md", ".txt", ".json", ".idx")  # what lies beside them


def is_bulk(source: Any) -> bool:
    """Whether ``source`` is what only lots can read: Parquet, a tar, a bucket, a folder of those, a list with one."""
    if isinstance(source, (list, tuple)):
        return any(map(is_bulk, source))
    return isinstance(source, (str, Path)) and (is_address(source) or bool(_files(source)))


def lots_of(source: Any, given: Mapping[str, Any], *, folder: Path, size: int = PICTURES) -> list[Lot]:
    """Return ``source`` in lots of at most ``size`` pictures; ``given`` holds for each, unless the source says else.

    Raises InvalidInput with every fault of the call, and StoreError where a source cannot be read.
    """
    if not is_bulk(source):
        return lots_of_candidates(candidates(source, given, folder=folder), size)
    faults: list[Fault] = []
    common = read_about(given, "", faults)
    if "id" in common:
        faults.append(Fault("id", f"{common['id']!r} cannot be the id of many pictures.", "Leave it out."))
    if faults:
        raise InvalidInput(faults)
    found: list[Lot] = []
    for bulk, run in groupby(source if isinstance(source, (list, tuple)) else [source], is_bulk):
        if not bulk:
            found += lots_of_candidates(candidates(list(run), given, folder=folder), size)
            continue
        for one in run:
            if isinstance(one, (list, tuple)):
                found += lots_of(one, given, folder=folder, size=size)
            elif is_address(one):
                found += bucket_lots(str(one), common, size) or [Lot.none(str(one), NO_PICTURES)]
            else:
                files = _files(one)
                alone = len(files) == 1 and not isinstance(source, (list, tuple))
                for path in files:
                    found += _of_file(path, common, size, alone=alone) or [
                        Lot.none(str(path), NO_PICTURES, name=path.name)
                    ]
    return found


def _of_file(path: Path, common: Mapping[str, Any], size: int, *, alone: bool) -> list[Lot]:
    """Return the lots of a Parquet file or a tar; one of several that is damaged takes no other with it."""
    try:
        return (table_lots if path.suffix.lower() == TABLE else tar_lots)(path, common, size)
    except StoreError as error:
        if alone:
            raise
        return [Lot.none(str(path), error.message, name=path.name)]


def _files(source: str | os.PathLike[str]) -> list[Path]:
    """Return the Parquet and tar files that a path stands for: itself, or a folder that holds nothing but those."""
    try:
        path = Path(local(source)).expanduser().absolute()
        if path.suffix.lower() in OPENED:  # of a long list of pictures, none is looked at
            return []
        if path.is_file():
            return [path] if path.suffix.lower() in (TABLE, TAR) else []
        inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith((".", "_")))
    except (OSError, RuntimeError, ValueError):
        return []
    if any(entry.is_dir() or entry.suffix.lower() not in (TABLE, TAR, *BESIDE) for entry in inside):
        return []
    return [entry for entry in inside if entry.suffix.lower() in (TABLE, TAR)]


def lots_of_candidates(found: Sequence[Candidate], size: int = PICTURES) -> list[Lot]:
    """Return candidates in lots of at most ``size``."""
    return [_of_candidates(part) for part in _parts(found, size)]


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
