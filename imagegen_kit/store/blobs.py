"""Stored bytes, by their hash: whole or absent, never overwritten, and verified whenever they are read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError
from imagegen_kit.store.rot import mend

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.store.journal import Journal

WRITING = ".writing-"  # how the name of a file begins that is not whole yet
KNOWN_SOUND = 50_000  # hashes kept in memory, about 6 MB


class Blobs:
    """A folder of files named by sha256: ``ab/abcd….png``, and thumbnails (≤ 256 px WebP) beside them.

    ``journal`` keeps the marks of what was damaged or removed; None: there is none. ``other_copy``, where somebody sets
    it, returns the bytes that another place (an object store) keeps for (sha256, format), or None.
    """

    def __init__(self, root: Path, journal: Journal | None = None) -> None:
        self.root, self.journal = root, journal
        self.other_copy: Callable[[str, str], bytes | None] | None = None
        self._pictures = os.path.join(root, "pictures")
        self._sound: set[str] = set()  # written or verified by this process

    def path(self, sha256: str, format: str) -> Path:
        """Return where the bytes with this hash lie, whether or not they are there."""
        return Path(self.name(sha256, format))

    def name(self, sha256: str, format: str) -> str:
        """Return ``path`` as text: tables need it a hundred thousand times."""
        return f"{self._pictures}/{sha256[:2]}/{sha256}.{format}"

    def thumbnail_path(self, sha256: str) -> Path:
        """Return where the thumbnail of the picture with this hash lies, whether or not it is there."""
        return self.root / "thumbnails" / sha256[:2] / f"{sha256}.webp"

    def size(self, sha256: str, format: str) -> int | None:
        """Return the size of the stored file in bytes, None where there is none."""
        try:
            return os.stat(self.name(sha256, format)).st_size
        except OSError:
            return None

    def put(self, data: bytes, sha256: str, format: str) -> Path:
        """Store ``data`` under its hash, on disk before this returns. The same bytes twice are one file.

        A file of that name that has rotted is written anew.
        """
        path = self.path(sha256, format)
        if self.size(sha256, format) == len(data) and (sha256 in self._sound or _hash_of(path) == sha256):
            return path
        _write_whole(path, data, durable=True)
        self._remember(sha256)
        return path

    def _remember(self, sha256: str) -> None:
        if len(self._sound) >= KNOWN_SOUND:
            self._sound.clear()
        self._sound.add(sha256)

    def forget(self, sha256: str) -> None:
        """Look at the file itself when it is stored the next time: it was found damaged or missing."""
        self._sound.discard(sha256)

    def put_thumbnail(self, sha256: str, data: bytes) -> Path:
        """Store a thumbnail; it can be made again, so it is not forced to disk."""
        path = self.thumbnail_path(sha256)
        if self.thumbnail(sha256) is None:
            _write_whole(path, data, durable=False)
        return path

    def thumbnail(self, sha256: str) -> bytes | None:
        """Return the stored thumbnail; None where there is none, or where it was cut: then it is made again."""
        try:
            data = self.thumbnail_path(sha256).read_bytes()
        except OSError:
            return None
        whole = data[:4] == b"RIFF" and data[8:12] == b"WEBP" and int.from_bytes(data[4:8], "little") + 8 == len(data)
        return data if whole else None

    def read(self, sha256: str, format: str) -> bytes:
        """Return the bytes, from the other copy where the file here is damaged or gone.

        Damaged files are put into quarantine. Raises CorruptArtifact or StoreError where there is no sound copy; such a
        picture is never bought again by itself.
        """
        path = self.path(sha256, format)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return self.mend(sha256, format)
        except OSError as error:
            raise StoreError(f"the stored picture {path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            return self.mend(sha256, format)
        return data

    def mend(self, sha256: str, format: str) -> bytes:
        """Put the damaged file into quarantine, fetch the other copy, and return its bytes; raises as ``read`` does."""
        self.forget(sha256)
        return mend(self, sha256, format)


def _hash_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    """Write through a temporary file and a rename, so that nobody ever sees half a file."""
    temporary: str | None = None
    folder = path.parent
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            if durable:
                _flush_folder(folder.parent)
        temporary = f"{folder}/{WRITING}{secrets.token_hex(8)}"
        with open(temporary, "xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:  # the new name itself must survive a power cut too
            _flush_folder(folder)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise StoreError(
            f"{path} could not be written: {error.strerror}. Nothing half-written is left. Where room is missing, "
            "`imagegen clean` says what could go."
        ) from error


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
