"""Files of vectors and indexes: written whole or not at all, and looked at before they are believed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import CorruptArtifact, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

WRITING = ".writing-"  # how the name of a file begins that is not whole yet
WHOLE_BYTES = 64 * 2**20  # what is opened at once is hashed whole up to here (about 50 ms), above it by samples
SAMPLES, SAMPLE_BYTES = 8, 4096
KNOWN_SOUND = 10_000
REPAIR = "Run lib.verify(repair=True)"

_sound: set[tuple[int, ...] | tuple[object, ...]] = (
    set()
)  # files that this process has hashed, and that are as they were


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file must be: its sha256, the digest of its size and of 8 blocks of 4 KB, and its size in bytes."""

    sha256: str
    sample: str
    size: int


def write_whole(path: Path, fill: Callable[[Path], object]) -> Mark:
    """Let ``fill`` write a temporary file, force it to disk, rename it to ``path``, and return its mark.

    Raises StoreError where there is no room or no right to write; nothing half-written is left then.
    """
    part = path.parent / f"{WRITING}{secrets.token_hex(8)}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fill(part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
                sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            mark = Mark(sha256, sample_of(part), size)
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        flush_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror or error}. Nothing half-written is left."
        ) from error
    except RuntimeError as error:  # how faiss says that the disk is full
        raise StoreError(f"{path} could not be written: {error}. Nothing half-written is left.") from error
    return mark


def flush_folder(folder: Path) -> None:
    """Force the names in ``folder`` to disk: a new name must survive a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the sha256 of the whole file, as 64 hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sample_of(path: Path) -> str:
    """Return a digest of the file's size and of 8 blocks of 4 KB over its whole length, the ends among them.

    It sees another, a cut, or a partly written file, and a hole of a seventh; it does not see every flipped byte.
    """
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(str(size).encode())
        last = max(0, size - SAMPLE_BYTES)
        for number in range(SAMPLES):
            file.seek(last * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def check(path: Path, sha256: str, sample: str, *, whole: bool, what: str) -> None:
    """Raise CorruptArtifact, which names the file and what to do, where it is not what was written.

    ``whole``: every byte, once in this process as long as the file is as it was (inode, size, time of change); else the
    sample, where there is one.
    """
    try:
        state = path.stat()
        known = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, sha256)
        if known in _sound:
            return
        same = sha256_of(path) == sha256 if whole else not sample or sample_of(path) == sample
    except OSError as error:
        raise StoreError(f"{what} {path} cannot be read: {error.strerror}. {REPAIR}.") from error
    if not same:
        raise damaged(path, what)
    if whole:
        if len(_sound) >= KNOWN_SOUND:
            _sound.clear()
        _sound.add(known)


def damaged(path: Path, what: str) -> CorruptArtifact:
    """Return the error for a file whose bytes are not those that were written."""
    return CorruptArtifact(
        f"{what} {path} is damaged: its bytes are not those that were written. Nothing was searched in it. "
        f"{REPAIR}: it makes again what can be made again from the pictures."
    )
