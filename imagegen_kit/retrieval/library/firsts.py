"""Of pictures that are nearly the same, the first: the others point at it, and one of them follows when it goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imagegen_kit.retrieval.library.rows import SELECT, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from imagegen_kit.retrieval.library.changes import Change
    from imagegen_kit.retrieval.library.records import Records

MARK: Final = "near_duplicate_of"  # what else is known of a picture: the id of the first that it is nearly the same as
_POINTING = (
    f"{SELECT} WHERE removed = 0 AND instr(meta, '{MARK}') "
    f"AND json_extract(meta, '$.{MARK}') IN (SELECT value FROM json_each(?)) ORDER BY number"
)


def pass_on(
    change: Change, records: Records, gone: Iterable[Row], at: str, *, but: Collection[int] = ()
) -> None:  # fmt: skip
    """Let the oldest that points at a picture of ``gone`` be the first, and the others point at that one.

    ``at`` is the time of the change; the numbers in ``but`` are left as they are.
    """
    following: dict[str, list[Row]] = {}
    for row in _pointing(change, records, {row.id for row in gone}):
        if row.number not in but:
            following.setdefault(row.meta[MARK], []).append(row)
    for first, *others in following.values():
        _point(change, first, None, at)
        for row in others:
            _point(change, row, first.id, at)


def follow(change: Change, records: Records, old: str, new: str, at: str) -> None:
    """Let those that point at the id ``old`` point at ``new``, as that picture is called now."""
    for row in _pointing(change, records, {old}):
        _point(change, row, new, at)


def _pointing(change: Change, records: Records, ids: set[str]) -> list[Row]:
    if not ids:
        return []
    return [records.row(line) for line in change.connection.execute(_POINTING, (json.dumps(sorted(ids)),))]


def _point(change: Change, row: Row, id: str | None, at: str) -> None:
    meta = {key: value for key, value in row.meta.items() if key != MARK}
    change.replace(row, replace(row, meta=meta if id is None else {**meta, MARK: id}, changed_at=at))
