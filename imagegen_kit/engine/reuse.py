"""Pictures that need not be bought: stored ones, and those that an equal request is buying right now."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_kit.engine.rows import FIND_CACHED, FIND_OLDER, result_from_row
from imagegen_kit.types import Cost

if TYPE_CHECKING:
    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.store import Store
    from imagegen_kit.types import Adaptation, Result

FREE = Cost(0.0, 0.0, "table")


def find_cached(store: Store, prepared: Prepared, step: int) -> Result | None:
    """Return the stored picture of an equal request, whose file is still there; None where it must be bought."""
    asked, sent, notes, key = prepared.asked, prepared.sent, prepared.notes, prepared.key
    for sql in (FIND_CACHED, FIND_OLDER):  # the newest was cleaned up, or the store moved: look at older ones
        rows = store.journal.read(sql, (key,))
        for row in rows:
            found = result_from_row(row, store, asked, sent, notes, key, step, cached=True)
            if all(os.path.exists(a.path or "") for a in found.artifacts):
                return found
        if not rows:
            break
    return None


def as_joined(result: Result, prepared: Prepared, told: tuple[Adaptation, ...], step: int) -> Result:
    """Return another request's fresh result as seen by an equal request: cached, and not paid again."""
    cost = Cost(0.0, result.cost.price_usd, result.cost.basis) if result.ok else FREE
    status = "cached" if result.status == "ok" else result.status
    notes = result.adaptations if result.status == "fallback" else (*prepared.notes, *told)
    return replace(
        result, request=prepared.asked, status=status, cost=cost, timings={}, attempts=(), step=step, adaptations=notes
    )
