"""Pictures that need not be bought: stored ones, and those that an equal request is buying right now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.rows import FIND_CACHED, FIND_OLDER, result_from_row
from imagegen_kit.errors import CorruptArtifact
from imagegen_kit.store.rot import BUY_AGAIN
from imagegen_kit.types import Cost, Result

if TYPE_CHECKING:
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.store import Store
    from imagegen_kit.types import Adaptation

FREE = Cost(0.0, None, "table")  # nothing was sent, so nothing was bought at any price


class Remembered:
    """The rows of pictures that this process stored or found last, so that an equal request reads no journal.

    On a cached run the reads cost more than all else: each lets go of Python's lock, and the loop and the journal's
    writer then hand it to and fro.
    """

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._rows: dict[str, tuple[Any, ...]] = {}

    def get(self, key: str) -> tuple[Any, ...] | None:
        """Return the row of ``RESULT_COLUMNS`` for ``key``, or None."""
        return self._rows.get(key)

    def forget(self, key: str) -> None:
        """Forget ``key``: what is there must be looked up again."""
        self._rows.pop(key, None)

    def put(self, key: str, row: tuple[Any, ...]) -> None:
        """Keep ``row``; the oldest is forgotten where there are too many."""
        self._rows[key] = row
        if len(self._rows) > self._most:
            del self._rows[next(iter(self._rows))]


def find_cached(store: Store, remembered: Remembered, prepared: Prepared, step: int) -> Result | None:
    """Return the stored picture of an equal request whose file is still there; None where it must be bought.

    A picture that cost money and whose file is lost is not quietly bought again: the result says so, as ``failed``. Its
    size is looked at here, which costs nothing; its hash when it is read.
    """
    asked, sent, notes, key = prepared.asked, prepared.sent, prepared.notes, prepared.key
    known = remembered.get(key)
    if known is not None:
        found = result_from_row(known, store, asked, sent, notes, key, step, cached=True)
        if _is_there(store, found, known[-2]):
            return found
    lost: str | None = None
    for sql in (FIND_CACHED, FIND_OLDER):  # the newest was cleaned up, or the store moved: look at older ones
        rows = store.journal.read(sql, (key,))
        for row in rows:
            found = result_from_row(row, store, asked, sent, notes, key, step, cached=True)
            size, removed_at = row[-2:]
            if _is_there(store, found, size) or _is_elsewhere(store, found, removed_at):
                remembered.put(key, row)  # the other copy is fetched when the picture is read
                return found
            if removed_at is None and found.cost.price_usd != 0:
                lost = lost or found.artifacts[0].path
        if not rows:
            break
    return None if lost is None else _lost(prepared, lost, step)


def _is_there(store: Store, found: Result, size: int | None) -> bool:
    """Whether the stored files are there, as long as they were written; an answer in text lies in the journal."""
    for made in found.artifacts:
        there = None if made.data is not None else store.blobs.size(made.sha256, made.format)
        if made.data is None and (not there or there != (size or there)):
            return False
    return True


def _is_elsewhere(store: Store, found: Result, removed_at: str | None) -> bool:
    """Whether another place should have it; of what clean-up removed here, only what has arrived there."""
    if store.blobs.other_copy is None or removed_at is None:
        return store.blobs.other_copy is not None
    sql = "SELECT 1 FROM uploads WHERE sha256 = ? AND state = 'done' LIMIT 1"
    return all(store.journal.read(sql, (made.sha256,)) for made in found.artifacts)


def _lost(prepared: Prepared, path: str, step: int) -> Result:
    """Return, as a failure, that a picture was bought for this request and its file is lost."""
    error = CorruptArtifact(
        f"A picture was bought for this request, and its file {path} is gone or damaged. {BUY_AGAIN}",
        model=prepared.model.id, request=prepared.asked,
    )  # fmt: skip
    return Result(
        request=prepared.asked, sent=prepared.sent, status="failed", cost=FREE, adaptations=prepared.notes,
        error=error.message, error_type=type(error).__name__, key=prepared.key, step=step, exception=error,
    )  # fmt: skip


def as_joined(result: Result, prepared: Prepared, told: tuple[Adaptation, ...], step: int) -> Result:
    """Return another request's fresh result as seen by an equal request: cached, and not paid again."""
    cost = Cost(0.0, result.cost.price_usd, result.cost.basis) if result.ok else FREE
    status = "cached" if result.status == "ok" else result.status
    notes = told if result.status == "fallback" else (*prepared.notes, *told)
    return replace(
        result, request=prepared.asked, status=status, cost=cost, timings={}, attempts=(), step=step, adaptations=notes
    )
