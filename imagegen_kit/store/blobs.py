"""Stored bytes, by their hash: whole or absent, never overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import CorruptArtifact, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable


class Blobs:
    """A folder of files named by sha256: ``ab/abcd….png``, and thumbnails (≤ 256 px WebP) beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pictures = os.path.join(root, "pictures")
        self.other_copy: Callable[[str, str], bytes | None] | None = None  # (sha256, format); set with a remote

    def path(self, sha256: str, format: str) -> Path:
        """Return where the bytes with this hash lie, whether or not they are there."""
        return Path(self.name(sha256, format))

    def name(self, sha256: str, format: str) -> str:
        """Return ``path`` as text: tables need it a hundred thousand times."""
        return f"{self._pictures}/{sha256[:2]}/{sha256}.{format}"

    def thumbnail_path(self, sha256: str) -> Path:
        """Return where the thumbnail of the picture with this hash lies, whether or not it is there."""
        return self.root / "thumbnails" / sha256[:2] / f"{sha256}.webp"

    def put(self, data: bytes, sha256: str, format: str) -> Path:
        """Store ``data`` under its hash, on disk before this returns. The same bytes twice are one file."""
        path = self.path(sha256, format)
        try:
            if path.stat().st_size == len(data):
                return path
        except OSError:  # not there; what else is wrong with the place, writing will tell
            pass
        _write_whole(path, data, durable=True)
        return path

    def put_thumbnail(self, sha256: str, data: bytes) -> Path:
        """Store a thumbnail; it can be made again, so it is not forced to disk."""
        path = self.thumbnail_path(sha256)
        if not path.exists():
            _write_whole(path, data, durable=False)
        return path

    def read(self, sha256: str, format: str) -> bytes:
        """Return the bytes. Raises CorruptArtifact where they changed on disk, StoreError where they are gone."""
        path = self.path(sha256, format)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"the stored picture {path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptArtifact(f"the stored picture {path} no longer has the bytes it was stored with")
        return data


def _write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    """Write through a temporary file and a rename, so that nobody ever sees half a file."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:  # the new name itself must survive a power cut too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise StoreError(f"{path} could not be written: {error.strerror}. Nothing half-written is left.") from error
