"""Listings whose columns hang on the run: a comparison, a ranking, win rates with a column for each value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from imagegen_kit.views.judged_columns import DIRECTION, comparison_kind, ranking_kind
from imagegen_kit.views.listing_columns import Column, Kind
from imagegen_kit.views.summary_columns import summary_kind
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from imagegen_kit.views.listing_columns import Row

ASPECTS = ("aspect", "scenario")


def _rate(row: Row, name: str) -> str:
    value = row.known(name)
    return "–" if value is None else f"{float(value):.2f}"


def _rates(names: list[str]) -> tuple[Column, ...]:
    return tuple(Column(name, partial(_rate, name=name)) for name in names)


def _aspects(frame: pd.DataFrame) -> str:
    by = f" by {frame.attrs['by']}" if "by" in frame.attrs else ""
    return f"win rates{by}: the share of {frame.attrs.get('unit', 'prompt')}s won against all others, ties half"


def _head_to_head(frame: pd.DataFrame) -> str:
    told = frame.attrs
    if "metric" not in told:
        return "share of prompts that the row wins against the column, ties half"
    least, most = told["prompts"]
    of = count(most, told["unit"]) if least == most else f"{least:,} to {count(most, told['unit'])}"
    direction = DIRECTION.get(told["better"], "neither way is better")
    return f"{told['metric']} ({direction}) by {told['by']} · share of {of} that the row wins against the column"


def aspects_kind(frame: pd.DataFrame) -> Kind | None:
    """Return the listing of win rates by aspect and scenario; None where the frame is of another form by now."""
    names = [str(name) for name in frame.columns]
    if list(frame.index.names) != list(ASPECTS) or "prompts" not in names or set(names) & set(ASPECTS):
        return None
    values = [name for name in names if name != "prompts"]
    said = tuple(Column(name, partial(_words, name=name), unbroken=True) for name in ASPECTS)
    prompts = Column(f"{frame.attrs.get('unit', 'prompt')}s", lambda row: f"{row.number('prompts'):,}")
    return Kind(None, tuple(names), (), (*said, prompts, *_rates(values)), _aspects, frozenset(names))


def head_to_head_kind(frame: pd.DataFrame) -> Kind:
    """Return the listing of each value against each."""
    names = [str(name) for name in frame.columns]
    columns = (Column("wins of", partial(_words, name="wins of")), *_rates(names))
    return Kind("wins of", tuple(names), (), columns, _head_to_head, frozenset(names))


def _words(row: Row, name: str) -> str:
    return row.said(name)


WIDE: dict[str, Callable[[pd.DataFrame], Kind | None]] = {
    "comparison": comparison_kind,
    "ranking": lambda frame: ranking_kind(str(frame.index.name)),
    "aspects": aspects_kind,
    "head to head": head_to_head_kind,
    "summary": summary_kind,
}
