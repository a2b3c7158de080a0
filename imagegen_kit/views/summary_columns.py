"""The columns of a summary: what came, what it cost, how long it took, and the scorers' own numbers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from imagegen_kit.tables.scores import PREFIX
from imagegen_kit.views.listing_columns import Column, Kind
from imagegen_kit.views.words import count, seconds, usd

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.views.listing_columns import Row

COUNTS = ("texts", "cached", "fallback", "placeholder", "failed", "unfair", "simulated")
# What has less is a choice of columns, which pandas shows as they were chosen.
NEEDED = (*COUNTS, "pictures", "success", "cost_usd", "price_usd", "seconds_p50", "seconds_p90")
MOST_SCORES = 3  # in a terminal, which is no wider


def summary_kind(frame: pd.DataFrame) -> Kind | None:
    """Return the listing of a summary by any number of names; None where its columns have been renamed to those."""
    names, groups = [str(name) for name in frame.columns], [str(name) for name in frame.index.names]
    if set(groups) & set(names):
        return None
    whole = [name for name in names if name.startswith(PREFIX) and f"{name}_n" in names]
    scores = [name for name in whole if not any(name.startswith(f"{other}_") for other in whole)]
    scores.sort(key=lambda name: frame[name].isna().all())  # what has no number anywhere takes nobody's place
    columns = (
        *(Column(name, partial(_said, name=name), unbroken=True) for name in groups),
        Column("pictures", lambda row: f"{row.number('pictures'):,}"),
        *(Column(name, partial(_counted, name=name), optional=True) for name in COUNTS),
        Column("success", _success),
        Column("cost", partial(_usd, name="cost_usd"), unbroken=True),
        Column("each", partial(_usd, name="price_usd"), unbroken=True),
        Column("seconds p50", partial(_seconds, name="seconds_p50"), unbroken=True),
        Column("p90", partial(_seconds, name="seconds_p90"), unbroken=True, narrow=False),
        *(
            Column(name, partial(_score, name=name), narrow=i < MOST_SCORES, optional=True)
            for i, name in enumerate(scores)
        ),
    )
    told = {*NEEDED, *scores, *(f"{name}_n" for name in scores)}
    others = tuple(name for name in names if name not in NEEDED)
    index = groups[0] if len(groups) == 1 else None
    return Kind(index, NEEDED, others, columns, partial(_head, scores=scores), frozenset(told))


def _head(frame: pd.DataFrame, scores: list[str]) -> str:
    parts = [f"by {', '.join(map(str, frame.index.names))}"]
    parts += [count(len(scores), "score")] if scores else []
    return " · ".join([*parts, f"a DataFrame of {count(len(frame.columns), 'column')}"])


def _said(row: Row, name: str) -> str:
    return row.said(name)


def _counted(row: Row, name: str) -> str:
    return f"{row.number(name):,}" if row.number(name) else "–"


def _success(row: Row) -> str:
    value = row.known("success")
    return "–" if value is None else f"{float(value):.0%}"


def _usd(row: Row, name: str) -> str:
    value = row.known(name)
    return usd(None if value is None else float(value))


def _seconds(row: Row, name: str) -> str:
    value = row.known(name)
    return "–" if value is None else seconds(float(value))


def _score(row: Row, name: str) -> str:
    """Return the mean, and of how many pictures where that is not all of them."""
    value, of = row.known(name), row.number(f"{name}_n")
    if value is None:
        return "–"
    return f"{float(value):.3g}" + (f" (of {of:,})" if of != row.number("pictures") else "")
