"""All pictures of many runs as a light listing: one pass over the journal, nothing of a picture's bytes.

``run_table`` makes some thirty columns for each run; a gallery of a thousand runs needs a few of them at once, and any
other only when somebody sorts by it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.columns import AFTER_PARAMETERS, BEFORE_PARAMETERS, BROKEN
from imagegen_kit.tables.scores import PREFIX, score_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.store import Journal

PART = "seconds_"
_SQL = {c.name: c.sql for c in (*BEFORE_PARAMETERS, *AFTER_PARAMETERS) if c.sql is not None and c.dtype != "object"}
_CHOSEN = "(?1 IS NULL OR {}.run IN (SELECT value FROM json_each(?1)))"
_FROM = (
    "FROM results s JOIN requests r ON r.id = s.request JOIN cells c ON c.id = r.cell JOIN runs u ON u.number = s.run "
    f"WHERE s.replaced = 0 AND s.text IS NULL AND r.kind != 'text' AND {_CHOSEN.format('s')}"
)
_OF_CELL = "(SELECT value FROM cell_params WHERE cell = c.id AND name = '{}')"
_PROMPT, _BRIEF, _MODEL, _STYLE = map(_OF_CELL.format, ("prompt", "brief", "model", "style"))
# The prompt of the cell, for that is what the table shows; the request's own where a recipe has none by that name.
_LISTED = (
    "SELECT s.rowid, s.run, r.id, r.cell, c.position, r.model, s.model_used, s.status, s.sha256, s.format, s.width, "
    "s.height, s.cost_usd, s.seconds, r.seed_sent, s.created_at, s.error, s.origin, "
    f"COALESCE({_PROMPT}, {_BRIEF}, json_quote(json_extract(r.asked, '$.prompt'))), {_STYLE} {_FROM} ORDER BY s.rowid"
)
# Cells whose recipe raised without a request that tells it. A rowid of 0: nothing was made.
_BROKEN_CELLS = (
    f"SELECT 0, c.run, NULL, c.id, c.position, {_MODEL}, NULL, 'failed', NULL, NULL, NULL, NULL, 0.0, NULL, NULL, "
    f"e.finished_at, e.error, NULL, COALESCE({_PROMPT}, {_BRIEF}), {_STYLE} "
    "FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
    f"WHERE e.error_type NOT NULL AND {BROKEN} AND {_CHOSEN.format('c')}"
)


class Listed(NamedTuple):
    """One picture or failed request. ``request`` is None for a cell whose recipe raised; unknown costs are None."""

    part: int  # which of the stores that are listed together
    row: int
    run: int
    request: int | None
    cell: int
    position: int
    model: str
    model_used: str | None
    status: str
    sha256: str | None
    format: str | None
    width: int | None
    height: int | None
    cost_usd: float | None
    seconds: float | None
    seed: int | None
    created_at: str
    error: str | None
    origin: str | None
    prompt: str
    style: str | None

    @property
    def key(self) -> str:
        """What names it for as long as it is there."""
        return f"{self.part}-{self.request}" if self.request is not None else f"{self.part}-c{self.cell}"


def list_pictures(
    journal: Journal, runs: Iterable[int] | None = None, only: frozenset[int] | None = None, part: int = 0
) -> list[Listed]:
    """Return the pictures and failed requests of ``runs`` (numbers; None: all), in the order in which they came.

    ``only`` keeps those requests. Answers in words are left out.
    """
    chosen = (_chosen(runs),)
    read: dict[Any, Any] = {None: None}  # the same few values stand in thousands of rows
    found = []
    for *plain, prompt, style in journal.read(_LISTED, chosen):
        if only is None or plain[2] in only:
            found.append(Listed._make((part, *plain, _text(prompt, read) or "", _text(style, read))))
    if only is None:
        for *plain, prompt, style in journal.read(_BROKEN_CELLS, chosen):
            plain[5] = _text(plain[5], read) or ""
            found.append(Listed._make((part, *plain, _text(prompt, read) or "", _text(style, read))))
    return found


def newest_row(journal: Journal) -> int:
    """Return the number of the last result in the journal: when it grows, something has come."""
    newest: int = journal.read("SELECT COALESCE(MAX(rowid), 0) FROM results")[0][0]
    return newest


def came_since(journal: Journal, row: int, runs: Iterable[int] | None = None) -> int:
    """Return how many pictures of ``runs`` (None: all) came after the result with number ``row``."""
    sql = f"SELECT COUNT(*) {_FROM} AND s.sha256 NOT NULL AND s.rowid > ?2"
    came: int = journal.read(sql, (_chosen(runs), row))[0][0]
    return came


def sortable(journal: Journal, parameters: Iterable[str]) -> list[str]:
    """Return the columns that pictures can be sorted by, those that are asked for most first."""
    scores = [PREFIX + name for (name,) in journal.read("SELECT DISTINCT scorer FROM request_scores ORDER BY scorer")]
    sql = "SELECT DISTINCT j.key FROM results s, json_each(s.timings) j WHERE s.timings NOT NULL ORDER BY j.key"
    parts = [PART + name for (name,) in journal.read(sql)]
    first = ["created_at", "cost_usd", "price_usd", "seconds", *scores]
    return list(dict.fromkeys([*first, *parameters, *(n for n in _SQL if n != "sha256"), *parts]))


def column_values(journal: Journal, name: str, runs: Iterable[int] | None = None) -> dict[int, Any]:
    """Return one column of the table as {request: value}; unknown values are None or missing."""
    chosen = _chosen(runs)
    if name in _SQL:
        return dict(journal.read(f"SELECT r.id, {_SQL[name]} {_FROM}", (chosen,)))
    if name.startswith(PREFIX):
        scored = "SELECT DISTINCT run FROM request_scores WHERE scorer = ?"
        numbers = [number for (number,) in journal.read(scored, (name.removeprefix(PREFIX),))]
        return {
            request: value
            for number in numbers
            if runs is None or number in set(runs)
            for request, value in score_columns(journal, number)[name].items()
        }
    values = f"SELECT r.id, (SELECT value FROM cell_params WHERE cell = c.id AND name = ?2) {_FROM}"
    read: dict[Any, Any] = {None: None}
    found = {request: _read(value, read) for request, value in journal.read(values, (chosen, name))}
    if name.startswith(PART) and not any(v is not None for v in found.values()):
        told = journal.read(f"SELECT r.id, s.timings {_FROM} AND s.timings NOT NULL", (chosen,))
        return {request: json.loads(timings).get(name.removeprefix(PART)) for request, timings in told}
    return found


def run_facts(journal: Journal, numbers: Iterable[int] | None = None) -> dict[int, tuple[str, str | None, str, str]]:
    """Return {number: (id, name, recipe, spec)} of runs, oldest first; None: of all."""
    sql = (
        "SELECT number, id, name, recipe, spec FROM runs "
        "WHERE ?1 IS NULL OR number IN (SELECT value FROM json_each(?1)) ORDER BY number"
    )
    return {
        number: (id, name, recipe, spec) for number, id, name, recipe, spec in journal.read(sql, (_chosen(numbers),))
    }


def _chosen(runs: Iterable[int] | None) -> str | None:
    return None if runs is None else json.dumps(list(runs))


def _read(plain: str | None, read: dict[Any, Any]) -> Any:
    """Return a parameter as it stands in a table."""
    if plain not in read:
        read[plain] = as_cell_value(json.loads(str(plain)))
    return read[plain]


def _text(plain: str | None, read: dict[Any, Any]) -> str | None:
    value = _read(plain, read)
    return value if value is None or isinstance(value, str) else str(value)
