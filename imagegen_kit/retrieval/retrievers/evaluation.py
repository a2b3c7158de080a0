"""``evaluate``: how often a library's search finds what it should, with intervals, and paired against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown
from imagegen_kit.retrieval.retrievers.asking import search
from imagegen_kit.retrieval.retrievers.briefs import unknown_arguments
from imagegen_kit.retrieval.retrievers.cases import Case, cases_of
from imagegen_kit.retrieval.retrievers.measures import MEASURES, interval, measured

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.retrieval.base import Retriever
    from imagegen_kit.retrieval.library import Library


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Shown):
    """How one retriever did on a set of queries. ``index_recall`` is the share of the exact nearest neighbours that
    the library's index finds (1.0 where it compares every item), ``by`` the labels that ``summary`` groups by.
    """

    retriever: str
    top_k: int
    cases: tuple[Case, ...]
    values: Mapping[str, np.ndarray]  # by measure, one value a query
    found: tuple[tuple[str, ...], ...]  # ids by query, best first
    ms: np.ndarray
    index_recall: float
    by: tuple[str, ...] = ()
    resamples: int = 1000
    seed: int = 0

    def table(self) -> pd.DataFrame:
        """Return a DataFrame, one row a query: what was asked, its labels, how many items are relevant, the ids that
        were found, each measure, and milliseconds.
        """
        import pandas as pd

        rows = []
        for place, case in enumerate(self.cases):
            row = {"text": case.arguments.get("text"), "image": case.picture, **case.labels}
            row |= {"relevant": len(case.relevant), "found": ", ".join(self.found[place])}
            row |= {self._name(m): float(self.values[m][place]) for m in MEASURES}
            rows.append({**row, "ms": float(self.ms[place])})
        return pd.DataFrame(rows)

    def summary(self, by: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return a DataFrame, one row a measure (and group): mean, low and high of its 95 % interval, n queries."""
        return self._grouped(self.values, by, "mean")

    def compare(self, other: Evaluation, by: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return a DataFrame of this one minus ``other`` on the same queries, one row a measure (and group).

        ``difference`` with the 95 % interval of the paired bootstrap (an interval that holds 0 shows no difference),
        n, and on how many queries this one was ``better``, ``worse`` or ``equal``. Raises InvalidInput where the
        queries, their relevant items or k are not the same.
        """
        if self.top_k != other.top_k or [c.key for c in self.cases] != [c.key for c in other.cases]:
            what = "the two evaluations are not of the same queries, relevant items and top_k."
            raise InvalidInput([Fault("other", what, "Evaluate both on the same list.")])
        return self._grouped({m: self.values[m] - other.values[m] for m in MEASURES}, by, "difference")

    def _grouped(self, values: Mapping[str, np.ndarray], by: str | Sequence[str] | None, what: str) -> pd.DataFrame:
        import pandas as pd

        names = self.by if by is None else (by,) if isinstance(by, str) else tuple(by)
        _check_labels(self.cases, names)
        groups: dict[tuple[Any, ...], list[int]] = {}
        for place, case in enumerate(self.cases):
            groups.setdefault(tuple(case.labels.get(name) for name in names), []).append(place)
        rows = []
        for label, places in groups.items():
            for measure in MEASURES:
                some = values[measure][places]
                low, high = interval(some, self.resamples, self.seed)
                row = {**dict(zip(names, label, strict=True)), "measure": self._name(measure)}
                row |= {what: float(some.mean()), "low": low, "high": high, "n": len(some)}
                if what == "difference":
                    row |= {"better": int((some > 0).sum()), "worse": int((some < 0).sum())}
                    row["equal"] = int((some == 0).sum())
                rows.append(row)
        return pd.DataFrame(rows)

    def _name(self, measure: str) -> str:
        return f"{measure}@{self.top_k}"

    def __len__(self) -> int:
        return len(self.cases)

    def __repr__(self) -> str:
        means = ", ".join(f"{self._name(m)} {self.values[m].mean():.3f}" for m in MEASURES)
        return f"Evaluation({self.retriever}, {len(self)} queries: {means})"


def evaluate(
    library: Library,
    queries: Any,
    *,
    top_k: int = 10,
    retriever: str | Retriever | None = None,
    by: str | Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    **arguments: Any,
) -> Evaluation:
    """Return how well ``library`` answers ``queries`` (``cases.cases_of``) within ``top_k`` hits.

    ``arguments`` are further ones of ``search``, the same for all queries. Near-duplicates count as hits of their own
    (``dedup=False``) unless asked otherwise. A query's own picture, where the library holds it and it is not named as
    relevant, is left out of the ranking. ``by`` names columns of the queries to group the summary by. Raises
    InvalidInput with all faults, an unknown relevant item among them.
    """
    faults = [
        Fault(name, f"{value!r} is no whole number of {least} or more.")
        for name, value, least in (("top_k", top_k, 1), ("resamples", resamples, 0), ("seed", seed, 0))
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least
    ]
    faults += unknown_arguments(arguments, also=("by", "resamples", "seed"))
    if faults:
        raise InvalidInput(faults)
    cases = cases_of(library, queries)
    names = (by,) if isinstance(by, str) else tuple(by or ())
    _check_labels(cases, names)
    values: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    found, ms, name = [], [], ""
    for case in cases:
        asked = {"dedup": False, **arguments, **case.arguments, "top_k": top_k + len(case.itself)}
        hits = search(library, asked.pop("text", None), retriever=retriever, **asked)
        items = [i for i in hits.items if i.sha256 not in case.itself or i.number in case.relevant][:top_k]
        for measure, value in measured([i.number for i in items], case.relevant, top_k).items():
            values[measure].append(value)
        found.append(tuple(i.id for i in items))
        ms.append(1000 * hits._about.seconds["total"])
        name = hits._about.retriever
    arrays = {measure: np.array(some) for measure, some in values.items()}
    recall = index_recall(library, top_k=top_k, seed=seed)
    return Evaluation(
        name, int(top_k), tuple(cases), arrays, tuple(found), np.array(ms), recall, names, int(resamples), int(seed)
    )  # fmt: skip


def index_recall(library: Library, *, top_k: int = 10, sample: int = 50, seed: int = 0) -> float:
    """Return the share of the exact ``top_k`` nearest items that the library's index finds, over ``sample`` items.

    An index that compares every item is 1.0 without being asked.
    """
    numbers = library.numbers()
    chosen = np.random.default_rng(seed).permutation(numbers)[:sample]
    queries = library.vectors.vectors_of(np.sort(chosen))
    near = library.vectors.search(queries, top_k)
    if near.exact:
        return 1.0
    true = library.vectors.search(queries, top_k, exact=True)
    shares = [
        len(set(got[got >= 0].tolist()) & set(right[right >= 0].tolist())) / max(int((right >= 0).sum()), 1)
        for got, right in zip(near.ids, true.ids, strict=True)
    ]
    return float(np.mean(shares))


def _check_labels(cases: Sequence[Case], names: Sequence[str]) -> None:
    known = dict.fromkeys(name for case in cases for name in case.labels)
    wrong = [name for name in names if name not in known]
    if wrong:
        hint = "There are: " + ", ".join(known) + "." if known else "The queries have no further columns."
        raise InvalidInput([Fault("by", f"no query has {', '.join(map(repr, wrong))}.", hint)])
