"""The fairness ledger: for each pair of models, what either was not sent as it was asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from imagegen_kit.tables.columns import ADAPTATIONS
from imagegen_kit.types.results import noted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    import pandas as pd

    from imagegen_kit.store import Journal
    from imagegen_kit.types import Adaptation

AS_ASKED = "as asked"
COLUMNS = {
    "a": "str", "b": "str", "field": "str", "a_sent": "str", "b_sent": "str", "pairs": "Int64", "of": "Int64",
    "unfair": "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: ``place`` is all that it shares with its partners of other models (prompt, style, repeat …)."""

    place: Hashable
    model: str
    adaptations: tuple[Adaptation, ...] = ()
    refused: bool = False


def fairness_table(sent: Iterable[Sent]) -> pd.DataFrame:
    """Return one row for each pair of models and each field in which either was not sent what was asked.

    ``a_sent`` and ``b_sent`` say how (the commonest wording, of unfair ones where there are any), ``pairs`` in how many
    of the ``of`` compared pairs.
    ``unfair`` is False where both were changed alike, or where the change weakens no comparison.
    """
    import pandas as pd

    by_model: dict[str, dict[Hashable, Sent]] = defaultdict(dict)
    for one in sent:
        by_model[one.model].setdefault(one.place, one)
    rows: list[tuple[Any, ...]] = []
    for a, b in combinations(by_model, 2):
        shared = [place for place in by_model[a] if place in by_model[b]]
        found: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
        for place in shared:
            first, second = _differences(by_model[a][place]), _differences(by_model[b][place])
            for field in dict.fromkeys((*first, *second)):
                (said, weak), (told, weaker) = first.get(field, _SAME), second.get(field, _SAME)
                found[field].append((said, told, (weak or weaker) and said != told))
        for field, cases in found.items():
            telling = [case for case in cases if case[2]] or cases  # harmless wordings must not hide a harmful one
            commonest = [Counter(case[i] for case in telling).most_common(1)[0][0] for i in (0, 1)]
            rows.append((a, b, field, *commonest, len(cases), len(shared), any(case[2] for case in cases)))
    rows.sort(key=lambda row: (not row[-1], -row[5]))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


_SAME = (AS_ASKED, False)


def _differences(sent: Sent) -> dict[str, tuple[str, bool]]:
    if sent.refused:
        return {"request": ("refused", True)}
    return {n.field: (str(n).removeprefix(f"{n.field} "), n.unfair) for n in sent.adaptations}


def recorded_fairness(journal: Journal, run: int, only: Iterable[int] | None = None) -> pd.DataFrame:
    """Return the fairness ledger of a stored run; ``only`` restricts it to requests by their journal number."""
    rows = journal.read(
        "SELECT r.id, r.model, COALESCE(p.rest, ''), c.repeat, r.step, r.key IS NULL, "
        f"{ADAPTATIONS}, MAX(r.unfair, s.told_unfair) FROM requests r "
        "JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 JOIN cells c ON c.id = r.cell "
        "LEFT JOIN (SELECT cell, GROUP_CONCAT(name || '=' || COALESCE(value, ''), char(31)) AS rest FROM "
        "(SELECT p.cell, p.name, p.value FROM cell_params p JOIN cells k ON k.id = p.cell "
        "WHERE k.run = ? AND p.name != 'model' ORDER BY p.cell, p.name) GROUP BY cell) p ON p.cell = r.cell "
        "WHERE r.run = ? ORDER BY r.cell, r.step",
        (run, run),
    )
    kept = None if only is None else set(only)
    return fairness_table(
        Sent((rest, repeat, step), model, noted(words, unfair), bool(refused))
        for id, model, rest, repeat, step, refused, words, unfair in rows
        if kept is None or id in kept
    )
