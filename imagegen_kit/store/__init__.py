"""Where pictures and the record of all that happened lie: ``Store`` is both, in one folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.journal import Journal

if TYPE_CHECKING:
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.store.uploads import Uploads
    from imagegen_kit.types import Artifact

FOLDER = "imagegen-store"


class Store:
    """One folder with ``journal.sqlite`` and the pictures by hash. Raises StoreError where it cannot be used.

    ``uploads`` copies pictures to an object storage; None until ``connect`` names one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.sqlite")
        self.blobs = Blobs(path)
        self.uploads: Uploads | None = None
        self._remote_url: str | None = None

    def connect(self, url: str | None) -> None:
        """Copy pictures to the object storage at ``url`` from now on (None: to none), and send what is still open.

        Raises InvalidInput for an address that cannot be used.
        """
        if url == self._remote_url:
            return
        uploads = None
        if url is not None:
            from imagegen_kit.store.remote import Remote
            from imagegen_kit.store.uploads import Uploads

            uploads = Uploads(self.journal, self.blobs, Remote(url))
        if self.uploads is not None:
            self.uploads.close()
        self._remote_url, self.uploads = url, uploads
        self.blobs.other_copy = self._fetch if uploads is not None else None
        if uploads is not None:
            uploads.wake_if_open()

    def planned_upload(self, made: Artifact | None, at: str) -> list[Statement]:
        """Return the row that plans the copy of what a model made; none where pictures stay on this machine."""
        if self.uploads is None or made is None:
            return []
        from imagegen_kit.store.remote import blob_name
        from imagegen_kit.store.upload_rows import INSERT_UPLOAD

        name = blob_name(made.sha256, made.format)
        return [(INSERT_UPLOAD, (made.sha256, made.format, self.uploads.remote.target, name, at))]

    def _fetch(self, sha256: str, format: str) -> bytes | None:
        """Return a picture's other copy, None where there is none or it cannot be reached now."""
        with contextlib.suppress(StoreError, InvalidInput):
            return self.uploads.remote.fetch(sha256, format) if self.uploads is not None else None
        return None

    def close(self) -> None:
        """Finish the uploads under way, write what is waiting and close the journal."""
        if self.uploads is not None:
            self.uploads.close()
        self.journal.close()


def resume_uploads(store: Store) -> int:
    """Send what earlier processes left open, here and now; return how many pictures arrived. Twice is once.

    What fails stays a row with its error. Returns 0 where no object storage is set.
    """
    return store.uploads.drain() if store.uploads is not None else 0


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


__all__ = ["FOLDER", "Blobs", "Journal", "Store", "StoreError", "find_store", "resume_uploads"]
