"""The mean of each score by group, beside how many pictures it is the mean of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.tables.scores import score_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imagegen_kit.store import Journal


def score_means(
    journal: Journal, run_id: str, groups: Sequence[Any], group_of: Mapping[int, Any]
) -> dict[str, pd.api.extensions.ExtensionArray]:
    """Return ``score_x``, a mean for each of ``groups`` (NA without a score), and ``score_x_n``, of how many pictures.

    ``group_of`` has the group of each request that counts: one whose picture the asked model made itself.
    """
    from statistics import fmean

    import pandas as pd

    ((number,),) = journal.read("SELECT COALESCE(MAX(number), -1) FROM runs WHERE id = ?", (run_id,))
    columns: dict[str, Any] = {}
    for name, values in score_columns(journal, number).items():
        known: dict[Any, list[float]] = {group: [] for group in groups}
        for request, value in values.items():
            if value is not None and request in group_of:
                known[group_of[request]].append(value)
        columns[name] = pd.array([fmean(k) if k else None for k in known.values()], dtype="Float64")
        columns[f"{name}_n"] = pd.array([len(k) for k in known.values()], dtype="Int64")
    return columns
