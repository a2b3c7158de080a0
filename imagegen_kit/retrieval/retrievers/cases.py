"""The queries of an evaluation: what is asked, and which items are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.retrieval.retrievers.briefs import FIELDS
from imagegen_kit.retrieval.retrievers.queries import hashes_of

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library

ASKED = tuple(name for name in FIELDS if name != "top_k")


@dataclass(frozen=True, slots=True)
class Case:
    """One query: the arguments of its search, the numbers of its relevant items, and what else was said of it.

    ``itself`` are hashes of its own pictures: where the library holds one that is not relevant, it is no hit.
    """

    arguments: Mapping[str, Any]
    relevant: frozenset[int]
    labels: Mapping[str, Any]
    itself: frozenset[str]

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same query in two evaluations."""
        return (self.arguments.get("text"), tuple(sorted(self.itself)), tuple(sorted(self.relevant)))

    @property
    def picture(self) -> str | None:
        """What its picture is called in a table: the path that was given, or how many there are; None without any."""
        given = self.arguments.get("image")
        if given is None:
            return None
        return str(given) if isinstance(given, str) or hasattr(given, "__fspath__") else f"{len(self.itself)} given"


def cases_of(library: Library, queries: Any) -> list[Case]:
    """Return the queries of a DataFrame or a list of dicts, checked. Raises InvalidInput with all faults.

    Each has ``relevant``: an id or name, a list of them, or a dict like ``where`` that finds them. Columns named like
    arguments of ``search`` are what is asked; all others are labels.
    """
    rows = queries.to_dict("records") if hasattr(queries, "to_dict") and hasattr(queries, "columns") else queries
    if isinstance(rows, (str, Mapping)) or not isinstance(rows, Sequence) or not rows:
        what = (
            "there are none." if isinstance(rows, Sequence) and not rows else f"a {type(queries).__name__} is no list."
        )
        hint = 'Give a list of dicts or a DataFrame with "text" or "image", and "relevant".'
        raise InvalidInput([Fault("queries", what, hint)])
    known = _numbers_by_name(library)
    cases: list[Case] = []
    faults: list[Fault] = []
    for place, row in enumerate(rows):
        where = f"queries[{place}]"
        if not isinstance(row, Mapping):
            faults.append(Fault(where, f"a {type(row).__name__} is no query.", "Give a dict."))
            continue
        given = {str(k): v for k, v in row.items() if not _missing(v)}
        relevant = _relevant(library, given.pop("relevant", None), known, f"{where}.relevant", faults)
        arguments = {k: v for k, v in given.items() if k in ASKED}
        if not arguments:
            faults.append(Fault(where, "nothing is asked.", 'Give "text" or "image".'))
        itself: frozenset[str] = frozenset()
        try:
            itself = hashes_of(arguments.get("image"), where=f"{where}.image")
        except InvalidInput as error:
            faults += error.faults
        cases.append(Case(arguments, relevant, {k: v for k, v in given.items() if k not in ASKED}, itself))
    if faults:
        raise InvalidInput(faults)
    return cases


def _numbers_by_name(library: Library) -> dict[str, set[int]]:
    known: dict[str, set[int]] = {}
    items = library.items(library.numbers())
    for item in items:
        if item.name is not None:
            known.setdefault(item.name, set()).add(item.number)
    for item in items:  # an id means its item alone, whatever others are called
        known[item.id] = {item.number}
    return known


def _relevant(
    library: Library, given: Any, known: Mapping[str, set[int]], where: str, faults: list[Fault]
) -> frozenset[int]:
    if given is None:
        faults.append(Fault(where, "is missing.", "Name the ids or names of the items that are right."))
        return frozenset()
    if isinstance(given, Mapping):
        try:
            found = frozenset(library.numbers(given).tolist())
        except InvalidInput as error:
            faults += [Fault(where, fault.what, fault.hint) for fault in error.faults]
            return frozenset()
    else:
        names = [given] if isinstance(given, str) else list(given)
        faults += [unknown_name_fault("item", name, known, where=where) for name in names if name not in known]
        if any(name not in known for name in names):
            return frozenset()
        found = frozenset(number for name in names for number in known[name])
    if not found:
        faults.append(Fault(where, "names no item.", "A query without a right answer cannot be measured."))
    return found


def _missing(value: Any) -> bool:
    """Whether a cell of a table is empty."""
    return value is None or (isinstance(value, float) and value != value) or str(value) == "<NA>"  # noqa: PLR0124  # NaN
