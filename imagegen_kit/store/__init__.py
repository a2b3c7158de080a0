"""Where pictures and the record of all that happened lie: ``Store`` is both, in one folder."""

from __future__ import annotations

import weakref
from pathlib import Path

from imagegen_kit.errors import StoreError
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.journal import Journal

FOLDER = "imagegen-store"


class Store:
    """One folder with ``journal.sqlite`` and the pictures by hash. Raises StoreError where it cannot be used.

    Where nothing can be written there it can still be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.sqlite")
        self.blobs = Blobs(path, self.journal)
        _open.add(self)

    def close(self) -> None:
        """Write what is waiting and close the journal."""
        _open.discard(self)
        self.journal.close()


_open: weakref.WeakSet[Store] = weakref.WeakSet()


def rescue(path: str, sha256: str, format: str) -> bytes | None:
    """Return sound bytes for a stored file that was found damaged or missing; None where no open store has that file.

    Raises CorruptArtifact or StoreError, with what to do, where there is no other copy.
    """
    for store in list(_open):
        if store.blobs.path(sha256, format) == Path(path):
            return store.blobs.mend(sha256, format)
    return None


def find_store(start: Path | None = None) -> Path:
    """Return the store's folder: the nearest ``imagegen-store`` here or above, else one at the project's root, or here.

    The project's root is the nearest folder with ``.git`` or ``pyproject.toml``. The folder may not exist yet.
    """
    start = (start or Path.cwd()).absolute()
    folders = (start, *start.parents)
    for folder in folders:
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    for folder in folders:
        if (folder / ".git").exists() or (folder / "pyproject.toml").is_file():
            return folder / FOLDER
    return start / FOLDER


__all__ = ["FOLDER", "Blobs", "Journal", "Store", "StoreError", "find_store", "rescue"]
