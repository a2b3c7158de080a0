"""Tables in a cell: models, runs, comparisons … in the columns that matter, unknowns in words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from imagegen_kit.views.judged_columns import JUDGED
from imagegen_kit.views.listing_columns import KINDS, Row, plain
from imagegen_kit.views.markup import Markup, box, lines, small, table, text
from imagegen_kit.views.wide_columns import WIDE
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.views.listing_columns import Column, Kind

MOST_ROWS = 60
TEXT_WIDTH = 44  # letters of a cell in plain text


def show_listing(frame: pd.DataFrame, kind: str, form: str, day: date | None = None) -> str | None:
    """Return ``frame`` as HTML or, for the ``form`` "text", as plain text; None where its columns are not those.

    ``day`` is today for None; what retires within 90 days of it is told as soon.
    """
    what = WIDE[kind](frame) if kind in WIDE else (KINDS | JUDGED).get(kind)
    if what is None or not _fits(frame, what):
        return None
    shown = frame.head(MOST_ROWS).reset_index()
    try:
        rows = [
            Row({str(name): value for name, value in values.items()}, day or date.today())
            for values in shown.to_dict("records")
        ]
        return _html(frame, what, rows) if form == "html" else _text(frame, what, rows)
    except (TypeError, ValueError, AttributeError):  # somebody has put other values into these columns
        return None


def _fits(frame: pd.DataFrame, what: Kind) -> bool:
    names = list(frame.columns)
    known = {*what.needed, *what.others}
    return bool(names) and frame.index.name == what.index and len(set(names)) == len(names) and (
        set(what.needed) <= set(names) <= known
    )  # fmt: skip


def _telling(columns: Sequence[Column], rows: list[Row]) -> list[Column]:
    """Return the columns without those that have nothing to say of any row, and need not be there then."""
    return [one for one in columns if not one.optional or any(one.words(row) != "–" for row in rows)]


def _html(frame: pd.DataFrame, what: Kind, rows: list[Row]) -> Markup:
    columns = _telling(what.columns, rows)
    cells = [[column.shown(row) for column in columns] for row in rows]
    left = len(frame) - len(rows)
    unseen = [name for name in frame.columns if name not in what.told]
    more = f"… and {left:,} more rows" if left else ""
    kept = f"a DataFrame; also in it: {', '.join(map(str, unseen))}" if unseen else ""
    return box(
        lines(text(what.head(frame)), *(text(note) for note in _notes(frame))),
        table(cells, [text(column.name) for column in columns]) if rows else "",
        lines(text(more), small(text(kept)) if kept else ""),
    )


def _text(frame: pd.DataFrame, what: Kind, rows: list[Row]) -> str:
    columns = [column for column in _telling(what.columns, rows) if column.narrow]
    cells = [[shortened(plain(column.words(row)), TEXT_WIDTH) for column in columns] for row in rows]
    body = [[column.name for column in columns], *cells]
    widths = [max(map(len, column)) for column in zip(*body, strict=True)]
    told = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in body]
    left = len(frame) - len(rows)
    more = [f"… and {left:,} more rows"] if left else []
    return "\n".join([what.head(frame), *(told if rows else []), *more, *_notes(frame)])


def _notes(frame: pd.DataFrame) -> list[str]:
    """Return the sentences that have to be said beside a table."""
    return [str(note) for note in frame.attrs.get("notes", ())]
