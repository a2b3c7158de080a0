"""What lies in a store's folder, and whether it is what its name says."""

from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imagegen_kit.store import Store

FRESH_S = 600.0  # a younger file may be in work: it is put down before its row is
_NAME = re.compile(r"([0-9a-f]{64})\.([a-z0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: ``sha256`` and ``format`` as its name says, None where it says none; when it was written (s)."""

    path: str
    sha256: str | None
    format: str | None
    size_bytes: int
    written: float


def files_of(store: Store, folder: str) -> Iterator[Found]:
    """Yield the files below ``folder`` of the store."""
    for place, _, names in os.walk(store.path / folder):
        for name in names:
            path = os.path.join(place, name)
            try:
                known = os.stat(path, follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            match = _NAME.fullmatch(name)
            sha256, format = match.groups() if match and os.path.basename(place) == name[:2] else (None, None)
            yield Found(path, sha256, format, known.st_size, known.st_mtime)


def damaged(found: Iterable[Found]) -> set[str]:
    """Return the hashes in the names of those files whose bytes have another; as many at once as there are cores."""

    def differs(file: Found) -> str | None:
        try:
            with Path(file.path).open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:  # gone meanwhile; what cannot be read at all is as good as damaged
            return file.sha256 if os.path.exists(file.path) else None
        return file.sha256 if digest != file.sha256 else None

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return {sha256 for sha256 in threads.map(differs, found) if sha256 is not None}
