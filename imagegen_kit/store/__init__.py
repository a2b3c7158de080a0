"""Where pictures and the record of all that happened lie: ``Store`` is both, in one folder."""

from __future__ import annotations

import contextlib
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.journal import Journal
from imagegen_kit.store.uploads import Uploads, resume_uploads

if TYPE_CHECKING:
    from datetime import timedelta

    import pandas as pd

    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Artifact

FOLDER = "imagegen-store"


class Store:
    """One folder with ``journal.sqlite`` and the pictures by hash. Raises StoreError where it cannot be used.

    Where nothing can be written there it can still be read. ``uploads`` copies pictures to an object storage; None
    until ``connect`` names one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.sqlite")
        self.blobs = Blobs(path, self.journal)
        _open.add(self)
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

            if url.startswith("file:///"):
                there, here = Path(url.removeprefix("file://")).resolve(), self.path.resolve()
                if there == here or here in there.parents or there in here.parents:
                    what = "it lies in the store itself, or around it: that would be no other copy."
                    raise InvalidInput([Fault("remote", what, "Name a folder elsewhere, best on another disk.")])
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

    def clean(
        self,
        *,
        older_than: str | timedelta | None = None,
        larger_than: str | int | None = None,
        session: str | None = None,
        apply: bool = False,
    ) -> pd.DataFrame:
        """Say which stored files could go, one row each with ``goes`` and ``why``; ``apply`` removes them.

        ``older_than`` ("30d", "2w", "12h"): not used since. ``larger_than`` ("10GB"): the oldest, until the store is no
        larger. ``session``: made by that session alone, whose runs then hold nothing any more. Given together, all of
        them must hold. What a run of an experiment, a vote, an upload, a call whose outcome is open or another picture
        refers to stays. Rows and costs stay too. Raises InvalidInput where nothing limits it.
        """
        from imagegen_kit.store.clean import clean

        return clean(self, older_than=older_than, larger_than=larger_than, session=session, apply=apply)

    def doctor(self, *, repair: bool = False, quick: bool = False, give_up: bool = False) -> pd.DataFrame:
        """Look the store over and return one row a finding: kind, subject, what it says, fix, mended, money at risk.

        Nothing is changed without ``repair``, which mends what can be mended without money: other copies are fetched,
        damaged files put into quarantine, orphans taken up, left-overs deleted. ``quick`` compares sizes, not hashes.
        ``give_up`` also marks what is lost as removed, so that equal requests are bought again. Calls that were
        interrupted are shown with the USD at risk and never settled here: ``resume()`` looks them up.
        """
        from imagegen_kit.store.doctor import examine

        return examine(self, repair=repair, quick=quick, give_up=give_up)

    def close(self) -> None:
        """Finish the uploads under way, write what is waiting and close the journal."""
        _open.discard(self)
        if self.uploads is not None:
            self.uploads.close()
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


__all__ = ["FOLDER", "Blobs", "Journal", "Store", "StoreError", "find_store", "rescue", "resume_uploads"]
