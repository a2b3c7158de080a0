"""What nobody beats in all respects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def pareto_front(frame: pd.DataFrame, goals: Mapping[str, int]) -> list[bool]:
    """Return, for each row, whether no other is as good in all columns and better in one; False where a value is NA.

    ``goals`` gives each column 1 where less is better and -1 where more is.
    """
    known = frame[list(goals)].notna().all(axis=1)
    values: Sequence[tuple[float, ...] | None] = [
        tuple(float(row[name]) * sign for name, sign in goals.items()) if ok else None
        for (_, row), ok in zip(frame.iterrows(), known, strict=True)
    ]
    return [
        mine is not None
        and not any(
            other is not None and other != mine and all(o <= m for o, m in zip(other, mine, strict=True))
            for other in values
        )
        for mine in values
    ]
