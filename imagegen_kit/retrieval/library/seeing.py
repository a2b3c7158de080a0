"""A candidate, read and looked at: the part of adding that threads do."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.imaging.decode import DEFAULT, peek
from imagegen_kit.imaging.files import read_picture_file
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.retrieval.index.files import write_whole
from imagegen_kit.retrieval.library.candidate import Candidate, reason_of
from imagegen_kit.retrieval.library.looking import Facts, look_at
from imagegen_kit.retrieval.library.places import PICTURES
from imagegen_kit.retrieval.library.rows import stored_path

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records

_ENDINGS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a candidate turned out to be. ``look`` is None where the library had these bytes already.

    ``path`` is where the picture lies, as rows keep it; None where it came as bytes that were there already.
    ``reason`` says why it is rejected. ``copied``: its file was put into the library's own folder just now.
    """

    candidate: Candidate
    sha256: str = ""
    look: Facts | None = None
    path: str | None = None
    copied: bool = False
    reason: str = ""


def see(candidate: Candidate, records: Records, place: Place, *, copy: bool) -> Seen:
    """Read, hash and, where it is new, decode a candidate. Raises StoreError where a copy cannot be written."""
    read = read_candidate(candidate)
    if isinstance(read, Seen):
        return read
    file, data, sha256 = read
    known = records.one("sha256", sha256)
    try:
        look = None if known is not None else look_at(data, sha256=sha256)
        format = peek(data)[0] if look is None else look.format
    except InvalidInput as error:
        return Seen(candidate, reason=reason_of(error))
    there = known is not None and os.path.isfile(os.path.join(place.folder, known.path))
    outside = known is not None and os.path.isabs(known.path)
    wanted = (not there) if file is None else (copy and (known is None or outside or not there))
    if wanted:
        path = keep_copy(place.folder, data, sha256, format)
        return Seen(candidate, sha256, look, stored_path(path, place.folder), copied=True)
    return Seen(candidate, sha256, look, None if file is None else stored_path(file, place.folder))


def read_candidate(candidate: Candidate) -> Seen | tuple[Path | None, bytes, str]:
    """Return the file, None where it came as bytes, the bytes and their sha256; ``Seen`` where it is rejected."""
    if candidate.refused:
        return Seen(candidate, reason=candidate.refused)
    file: Path | None = None
    try:
        if isinstance(candidate.picture, Path):
            os.fspath(candidate.picture).encode("utf-8")
            file, data = read_picture_file(candidate.picture, where="picture", max_bytes=DEFAULT.max_bytes)
        elif isinstance(candidate.picture, bytes):
            data = candidate.picture
        else:
            data = open_picture(candidate.picture).bytes
    except InvalidInput as error:
        return Seen(candidate, reason=reason_of(error))
    except UnicodeEncodeError:
        return Seen(candidate, reason="the name of the file is not UTF-8. Rename it.")
    except StoreError as error:
        return Seen(candidate, reason=error.message)
    sha256 = hashlib.sha256(data).hexdigest()
    if candidate.sha256 is not None and candidate.sha256 != sha256:
        return Seen(candidate, reason="the file is not the one that was described: it has another sha256.")
    return file, data, sha256


def keep_copy(folder: Path, data: bytes, sha256: str, format: str) -> Path:
    """Write a picture into the library's own folder, and return its path. Raises StoreError."""
    path = folder / PICTURES / f"{sha256}.{_ENDINGS[format]}"
    write_whole(path, lambda part: part.write_bytes(data))
    return path
