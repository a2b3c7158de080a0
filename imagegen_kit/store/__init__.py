"""Where pictures and the record of all that happened lie: ``Store`` is both, in one folder."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import StoreError
from imagegen_kit.store.blobs import Blobs
from imagegen_kit.store.journal import Journal

if TYPE_CHECKING:
    from datetime import timedelta

    import pandas as pd

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
