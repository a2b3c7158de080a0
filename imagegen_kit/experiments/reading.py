"""Results of a run, read from the journal page by page: a long run needs no more memory than a short one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_kit.engine.rows import RESULT_COLUMNS, result_from_row
from imagegen_kit.engine.sign import signed, signed_films
from imagegen_kit.types import request_from_plain
from imagegen_kit.types.results import noted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.store import Store
    from imagegen_kit.types import Request, Result

PAGE = 500
_FROM = (
    "FROM results s JOIN requests r ON r.id = s.request JOIN runs u ON u.number = s.run "
    "WHERE s.run = ? AND s.replaced = 0 "
    "AND (? IS NULL OR r.id IN (SELECT value FROM json_each(?)))"
)
_COLUMNS = ", ".join(f"s.{c.strip()}" for c in RESULT_COLUMNS.split(","))
_SELECT = (
    f"SELECT r.asked, r.sent, r.adaptations, r.unfair, r.key, r.step, u.id, {_COLUMNS} {_FROM} ORDER BY r.cell, r.step"
)


def _values(run: int, only: frozenset[int] | None) -> tuple[int, str | None, str | None]:
    chosen = None if only is None else json.dumps(sorted(only))
    return run, chosen, chosen


def count_results(store: Store, run: int, only: frozenset[int] | None) -> int:
    """Return how many results a run has."""
    count: int = store.journal.read(f"SELECT COUNT(*) {_FROM}", _values(run, only))[0][0]
    return count


def read_result(store: Store, run: int, only: frozenset[int] | None, index: int) -> Result:
    """Return result ``index`` of a run, counted from the end where negative. Raises IndexError."""
    count = count_results(store, run, only)
    place = index + count if index < 0 else index
    if not 0 <= place < count:
        raise IndexError(f"the run has {count} results, there is no number {index}")
    rows = store.journal.read(f"{_SELECT} LIMIT 1 OFFSET ?", (*_values(run, only), place))
    return _result(store, rows[0])


def read_results(store: Store, run: int, only: frozenset[int] | None) -> Iterator[Result]:
    """Yield the results of a run in the order of its grid."""
    offset = 0
    while rows := store.journal.read(f"{_SELECT} LIMIT {PAGE} OFFSET ?", (*_values(run, only), offset)):
        for row in rows:
            yield _result(store, row)
        offset += len(rows)


def _result(store: Store, row: tuple[object, ...]) -> Result:
    asked_text, sent_text, notes_text, unfair, key, step, run_id = row[:7]
    asked = _request(store, str(asked_text))
    sent = asked if sent_text is None else _request(store, str(sent_text))
    notes = noted(None if notes_text is None else str(notes_text), unfair)
    result = result_from_row(
        row[7:],
        store,
        asked,
        sent if key is not None else None,
        notes,
        key if key is None else str(key),
        int(str(step)),
    )
    return replace(
        result, artifacts=signed(result, str(run_id)) or signed_films(result, str(run_id)) or result.artifacts
    )


def _request(store: Store, text: str) -> Request:
    return request_from_plain(json.loads(text), where=store.blobs.path)
