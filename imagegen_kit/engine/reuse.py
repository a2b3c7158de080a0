"""Pictures that need not be bought: stored ones, and those that an equal request is buying right now."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.rows import FIND_CACHED, FIND_OLDER, result_from_row
from imagegen_kit.types import Cost

if TYPE_CHECKING:
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.store import Store
    from imagegen_kit.types import Adaptation, Result

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

    def put(self, key: str, row: tuple[Any, ...]) -> None:
        """Keep ``row``; the oldest is forgotten where there are too many."""
        self._rows[key] = row
        if len(self._rows) > self._most:
            del self._rows[next(iter(self._rows))]


def find_cached(store: Store, remembered: Remembered, prepared: Prepared, step: int) -> Result | None:
    """Return the stored picture of an equal request, whose file is still there; None where it must be bought."""
    asked, sent, notes, key = prepared.asked, prepared.sent, prepared.notes, prepared.key
    known = remembered.get(key)
    if known is not None:
        found = result_from_row(known, store, asked, sent, notes, key, step, cached=True)
        if all(_is_there(a.path) for a in found.artifacts):
            return found
    for sql in (FIND_CACHED, FIND_OLDER):  # the newest was cleaned up, or the store moved: look at older ones
        rows = store.journal.read(sql, (key,))
        for row in rows:
            found = result_from_row(row, store, asked, sent, notes, key, step, cached=True)
            if all(_is_there(a.path) for a in found.artifacts):
                remembered.put(key, row)
                return found
        if not rows:
            break
    return None


def _is_there(path: str | None) -> bool:
    """Whether a stored file is there and not empty, as a full disk or a torn copy leaves it."""
    try:
        return path is not None and os.stat(path).st_size > 0
    except OSError:
        return False


def as_joined(result: Result, prepared: Prepared, told: tuple[Adaptation, ...], step: int) -> Result:
    """Return another request's fresh result as seen by an equal request: cached, and not paid again."""
    cost = Cost(0.0, result.cost.price_usd, result.cost.basis) if result.ok else FREE
    status = "cached" if result.status == "ok" else result.status
    notes = result.adaptations if result.status == "fallback" else (*prepared.notes, *told)
    return replace(
        result, request=prepared.asked, status=status, cost=cost, timings={}, attempts=(), step=step, adaptations=notes
    )
