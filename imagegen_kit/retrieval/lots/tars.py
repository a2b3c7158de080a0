"""Lots of a tar as WebDataset writes it: ``key.jpg`` with ``key.txt`` (a caption) and ``key.json`` beside it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.library.about import read_about
from imagegen_kit.retrieval.library.candidate import Candidate, reason_of
from imagegen_kit.retrieval.library.folders import MEANT
from imagegen_kit.retrieval.lots.lot import Lot

CAPTION, ABOUT = ".txt", ".json"
MOST_BYTES = 1 << 20  # of what is said of a picture


@dataclass(slots=True)
class _Sample:
    """One picture in the tar and what lies beside it: by ending, from which byte on, and how many."""

    key: str
    name: str = ""
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)


def tar_lots(path: Path, common: Mapping[str, Any], size: int) -> list[Lot]:
    """Return the pictures of a tar in lots; only its headers are read. Raises StoreError where it is none or is cut."""
    state = path.stat()
    told = [str(path), state.st_size, state.st_mtime_ns, repr(sorted(common.items()))]
    try:
        with tarfile.open(path, "r:") as tar:
            samples = _samples(tar)
    except (OSError, tarfile.TarError) as error:
        hint = "Is it compressed? Unpack it, or write it without compression: pictures are compressed already."
        raise StoreError(f"{path} cannot be read as a tar: {error}. {hint}") from error
    found = []
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        found.append(Lot(len(part), [*told, start, len(part)], partial(_read, path, dict(common), part)))
    return found


def _samples(tar: tarfile.TarFile) -> list[_Sample]:
    """Return the samples that hold a picture, in the order of the tar; members of one key follow each other."""
    found: list[_Sample] = []
    last = _Sample("")
    for member in tar:
        if not member.isfile():
            continue
        path = PurePosixPath(member.name)
        stem, _, ending = path.name.partition(".")
        key = f"{path.parent}/{stem}"
        if key != last.key:
            last = _Sample(key)
            found.append(last)
        ending = f".{ending.lower()}"
        if ending in MEANT:
            last.name = member.name
            last.parts["picture"] = (member.offset_data, member.size)
        elif ending in (CAPTION, ABOUT):
            last.parts[ending] = (member.offset_data, member.size)
    return [sample for sample in found if "picture" in sample.parts]


def _read(path: Path, common: Mapping[str, Any], samples: list[_Sample]) -> Iterator[Candidate]:
    try:
        with path.open("rb") as file:
            for sample in samples:
                yield _candidate(file, path, sample, common)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. Mend it and add it again.") from error


def _candidate(file: BinaryIO, path: Path, sample: _Sample, common: Mapping[str, Any]) -> Candidate:
    where = f"{path.name} {sample.name}"
    faults: list[Fault] = []
    said: dict[str, Any] = {"name": PurePosixPath(sample.key).name}
    for ending in (CAPTION, ABOUT):
        if ending not in sample.parts:
            continue
        try:
            text = _bytes(file, sample.parts[ending], MOST_BYTES).decode("utf-8").strip()
            if ending == CAPTION:
                said["caption"] = text or None
            elif isinstance(plain := json.loads(text), dict):
                said |= {key: value for key, value in plain.items() if key != "sha256"}
        except (ValueError, RecursionError) as error:
            name = PurePosixPath(sample.key + ending)
            faults.append(Fault(str(name), f"{name} beside it cannot be read: {error}."))
    about = read_about(said, where, faults, computed=True)
    if faults:
        return Candidate(where, None, common, refused=reason_of(InvalidInput(faults)))
    return Candidate(where, _bytes(file, sample.parts["picture"]), {**common, **about})


def _bytes(file: BinaryIO, part: tuple[int, int], most: int | None = None) -> bytes:
    start, size = part
    file.seek(start)
    return file.read(size if most is None else min(size, most))
