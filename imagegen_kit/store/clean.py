"""Clean-up by age, size and session: what could go, and, when it is asked for, the removing of it.

Only bytes go. The rows stay, marked with ``removed_at``, so that runs, tables and costs stay complete. Files are first
moved aside; what another process has come to need in the meantime is put back, and only then is the rest deleted.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.store.lock import hold
from imagegen_kit.store.referring import ancestors, parents, referring

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from imagegen_kit.store import Store

ASIDE = "removed"  # the folder where files lie between the decision and their deletion
GRACE_S = 3.0  # far longer than any process takes from finding a file in the cache to committing its row
_UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes", "s": "seconds"}
_ITEMS = (
    "SELECT a.sha256, a.format, a.kind, COALESCE(MAX(s.created_at), a.created_at) FROM artifacts a "
    "LEFT JOIN results s ON s.sha256 = a.sha256 GROUP BY a.sha256"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One stored file: when it was last made or used, and whether and why it ``goes``."""

    sha256: str
    format: str
    kind: str
    size_bytes: int
    used_at: str
    goes: bool
    why: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may go: not used for ``older_than``, beyond ``larger_than`` bytes in all, of ``session``; None: no limit."""

    older_than: timedelta | None
    larger_than: int | None
    session: str | None


def read_wanted(older_than: str | timedelta | None, larger_than: str | int | None, session: str | None) -> Wanted:
    """Read "30d" and "10GB". Raises InvalidInput for what is no age or size, and where nothing limits the clean-up."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    faults = []
    age, size = older_than if isinstance(older_than, timedelta) else None, None
    if older_than is not None and age is None:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(w|d|h|min|s)", str(older_than).strip().lower())
        if match is None:
            faults.append(Fault("older_than", f"{older_than!r} is no age.", "Write 30d, 2w or 12h."))
        else:
            age = timedelta(**{_UNITS[match[2]]: float(match[1])})
    if larger_than is not None:
        try:
            size = int(TypeAdapter(ByteSize).validate_python(larger_than))
        except ValidationError:
            faults.append(Fault("larger_than", f"{larger_than!r} is no size.", "Write 10GB or 500MB."))
    if older_than is None and larger_than is None and session is None:
        faults.append(Fault("clean", "nothing says what may go.", "Give an age, a size of the store, or a session."))
    if faults:
        raise InvalidInput(faults)
    return Wanted(age, size, session)


def choose(store: Store, wanted: Wanted, now: datetime) -> list[Item]:
    """Return every stored file with whether it would go and why, those that go first, the oldest first."""
    journal = store.journal
    journal.flush().result()
    live = _live_runs(store, now)
    dropped = _runs_of(store, wanted.session, live)
    held, made_from = referring(journal, dropped), parents(journal)
    of_session, at_work = _pictures_of(store, dropped), _pictures_of(store, live)
    before = "" if wanted.older_than is None else (now - wanted.older_than).isoformat(timespec="milliseconds")
    items = []
    for sha256, format, kind, used_at in journal.read(_ITEMS):
        size = store.blobs.size(sha256, format)
        if size is None:
            continue
        why = held.get(sha256, "")
        if not why and sha256 in at_work:
            why = "a session that is at work shows it"
        elif not why and wanted.session is not None and sha256 not in of_session:
            why = "it is of another session"
        elif not why and before and used_at >= before:
            why = "it was used since"
        items.append(Item(sha256, format, kind, size, used_at, not why, why))
    items.sort(key=lambda item: (item.used_at, item.sha256))
    if wanted.larger_than is not None:
        items = _only_beyond(items, wanted.larger_than)
    needed = ancestors((item.sha256 for item in items if not item.goes), made_from)
    return sorted((_kept_as_parent(item, needed) for item in items), key=lambda item: not item.goes)


def _only_beyond(items: list[Item], most: int) -> list[Item]:
    """Let only the oldest go, until what is left has no more than ``most`` bytes."""
    left = sum(item.size_bytes for item in items)
    chosen = []
    for item in items:
        if item.goes and left <= most:
            item = replace(item, goes=False, why="the store is small enough without it")  # noqa: PLW2901
        elif item.goes:
            left -= item.size_bytes
        chosen.append(item)
    return chosen


def _kept_as_parent(item: Item, needed: set[str]) -> Item:
    if item.goes and item.sha256 in needed:
        return replace(item, goes=False, why="a picture that stays was made from it")
    return replace(item, why="nothing refers to it") if item.goes else item


def _live_runs(store: Store, now: datetime) -> set[int]:
    sql = "SELECT u.number FROM runs u JOIN leases l ON l.name = 'session ' || u.session WHERE l.expires_at > ?"
    return {number for (number,) in store.journal.read(sql, (now.timestamp(),))}


def _runs_of(store: Store, session: str | None, live: set[int]) -> set[int]:
    """Return the runs of a session that is dropped. Raises InvalidInput for one that is unknown or still at work."""
    if session is None:
        return set()
    runs = {number for (number,) in store.journal.read("SELECT number FROM runs WHERE session = ?", (session,))}
    if not runs:
        known = store.journal.read("SELECT DISTINCT session FROM runs ORDER BY number DESC LIMIT 5")
        hint = f"The last ones are: {', '.join(s for (s,) in known)}." if known else "There is none yet."
        raise InvalidInput([Fault("session", f"no session {session!r} has runs here.", hint)])
    if runs & live:
        raise InvalidInput([Fault("session", f"{session} is still at work.", "Stop it first.")])
    return runs


def _pictures_of(store: Store, runs: Collection[int]) -> set[str]:
    found: set[str] = set()
    for run in runs:
        sql = "SELECT sha256 FROM results WHERE run = ? AND sha256 IS NOT NULL"
        found.update(sha256 for (sha256,) in store.journal.read(sql, (run,)))
    return found


def remove(store: Store, items: list[Item], wanted: Wanted, now: datetime, last: int, grace_s: float) -> set[str]:
    """Remove the files of ``items`` and return the hashes of those that are gone.

    ``last`` is the row id of the newest result when they were chosen: what a later one shows stays. Raises StoreError
    where the journal cannot be written: then nothing has gone.
    """
    journal = store.journal
    at = now.isoformat(timespec="milliseconds")
    sql = "UPDATE artifacts SET removed_at = ? WHERE sha256 = ?"
    journal.write([(sql, (at, item.sha256)) for item in items]).result()
    folder = store.path / ASIDE
    folder.mkdir(exist_ok=True)
    for item in items:
        with contextlib.suppress(FileNotFoundError):
            os.rename(store.blobs.name(item.sha256, item.format), folder / f"{item.sha256}.{item.format}")
    time.sleep(grace_s)
    used = {sha256 for (sha256,) in journal.read("SELECT sha256 FROM results WHERE rowid > ?", (last,))}
    dropped = _runs_of(store, wanted.session, set())
    return finish(store, used | set(referring(journal, dropped)))


def finish(store: Store, needed: Collection[str]) -> set[str]:
    """Put back what is ``needed`` of the files that were moved aside, delete the others, and return their hashes."""
    gone: set[str] = set()
    folder = store.path / ASIDE
    for name in os.listdir(folder) if folder.is_dir() else ():
        sha256, _, format = name.partition(".")
        if sha256 in needed:
            os.replace(folder / name, store.blobs.name(sha256, format))
            store.journal.write([("UPDATE artifacts SET removed_at = NULL WHERE sha256 = ?", (sha256,))]).result()
            continue
        with contextlib.suppress(FileNotFoundError):  # another clean-up was faster
            os.unlink(folder / name)
            gone.add(sha256)
        with contextlib.suppress(OSError):
            os.unlink(store.blobs.thumbnail_path(sha256))
    with contextlib.suppress(OSError):
        folder.rmdir()
    return gone


def clean(
    store: Store,
    *,
    older_than: str | timedelta | None = None,
    larger_than: str | int | None = None,
    session: str | None = None,
    apply: bool = False,
    now: datetime | None = None,
    grace_s: float = GRACE_S,
) -> pd.DataFrame:
    """Return one row a stored file: size, when it was last used, whether it ``goes`` and why it goes or stays.

    Nothing is removed without ``apply``; with it ``removed`` says what is gone. See ``Store.clean``.
    """
    import pandas as pd

    wanted, now = read_wanted(older_than, larger_than, session), now or datetime.now(UTC)
    if apply and store.journal.read_only:
        raise StoreError(f"the store {store.path} can only be read, so nothing can be removed from it.")
    release = hold(store.path / "locks" / "clean.lock", "a clean-up") if apply else None
    try:
        if apply:
            finish(store, referring(store.journal))  # what an earlier clean-up left when it was stopped
        ((last,),) = store.journal.read("SELECT COALESCE(MAX(rowid), 0) FROM results")
        items = choose(store, wanted, now)
        going = [item for item in items if item.goes]
        gone = remove(store, going, wanted, now, last, grace_s) if apply and going else set()
    finally:
        if release is not None:
            release()
    frame = pd.DataFrame(
        {
            "sha256": pd.array([i.sha256 for i in items], dtype="str"),
            "kind": pd.array([i.kind for i in items], dtype="str"),
            "bytes": pd.array([i.size_bytes for i in items], dtype="Int64"),
            "used_at": pd.to_datetime(pd.Series([i.used_at for i in items], dtype="str"), format="ISO8601", utc=True),
            "goes": pd.array([i.goes for i in items], dtype="boolean"),
            "why": pd.array([i.why for i in items], dtype="str"),
        }
    )
    if apply:
        frame["removed"] = pd.array([i.sha256 in gone for i in items], dtype="boolean")
    return frame
