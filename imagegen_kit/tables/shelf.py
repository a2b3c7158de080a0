"""Pictures of many runs in the order and choice that somebody wants: filter, facets with counts, sort, all in memory.

20,000 pictures are filtered, counted and sorted in less than half a second; only their listing is held, no bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, unknown_name_fault
from imagegen_kit.tables.pictures import (
    Listed,
    came_since,
    column_values,
    list_pictures,
    newest_row,
    run_facts,
    sortable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from imagegen_kit.store import Store

FACETS = ("model", "style", "status", "run", "day")
STATUS = FACETS.index("status")
NONE = "none"  # how a facet calls what has no value


@dataclass(frozen=True, slots=True)
class Part:
    """Some runs of one store: ``numbers`` None for all of them, ``only`` None for all their requests."""

    store: Store
    numbers: tuple[int, ...] | None = None
    only: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown, and how: all ``words`` stand in prompt, style, model or run; ``facets`` name what may be.

    Where no status is chosen only pictures are shown, no failed requests. ``sort`` is a column; NA comes last either
    way. ``once`` shows each picture once, however often it was taken from the cache.
    """

    words: str = ""
    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sort: str = "created_at"
    descending: bool = True
    marked: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Arranged:
    """What of a shelf is shown: places in ``Shelf.items``, in order, and for each facet how many it would leave."""

    places: list[int]
    counts: dict[str, dict[str, int]]


class Shelf:
    """The listing of ``parts``, read at first use and again by ``reload``."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.items: list[Listed] = []
        self.reload()

    def reload(self) -> None:
        """Read the listing anew."""
        for part in self.parts:
            part.store.journal.flush().result()
        self._rows = [newest_row(part.store.journal) for part in self.parts]
        self._runs = [run_facts(part.store.journal, part.numbers) for part in self.parts]
        self.items = [
            item
            for number, part in enumerate(self.parts)
            for item in list_pictures(part.store.journal, part.numbers, part.only, number)
        ]
        self.place_of = {item.key: place for place, item in enumerate(self.items)}
        self.by_sha256 = {item.sha256: item for item in self.items if item.sha256 is not None}
        self._texts: list[str] = []
        self._values: list[tuple[str, ...]] = []
        self._columns: dict[str, list[Any]] = {}
        self._labels = _labels(self._runs)

    def news(self) -> int:
        """Return how many pictures have come since the listing was read; cheap where nothing has."""
        came = 0
        for part, row in zip(self.parts, self._rows, strict=True):
            if part.only is None and newest_row(part.store.journal) > row:
                came += came_since(part.store.journal, row, part.numbers)
        return came

    @property
    def pictures(self) -> int:
        """How many pictures there are in all."""
        return sum(item.sha256 is not None for item in self.items)

    @property
    def runs(self) -> int:
        """How many runs they are of."""
        return len({(item.part, item.run) for item in self.items if item.sha256 is not None})

    @property
    def runs_looked_at(self) -> int:
        """How many runs there are, those without pictures among them."""
        return sum(map(len, self._runs))

    def run_label(self, item: Listed) -> str:
        """Return what people call the run of ``item``: its name, else its recipe, made unlike others by its id."""
        return self._labels[item.part, item.run]

    def run_id(self, item: Listed) -> str:
        """Return the id of the run of ``item``."""
        return self._runs[item.part][item.run][0]

    def facet(self, place: int, name: str) -> str:
        """Return the value of an item in a facet."""
        return self._faceted()[place][FACETS.index(name)]

    def columns(self) -> list[str]:
        """Return the columns that can be sorted by."""
        names: dict[str, None] = {}
        for part, runs in zip(self.parts, self._runs, strict=True):
            parameters = dict.fromkeys(n for *_, spec in runs.values() for n in json.loads(spec).get("parameters", ()))
            names |= dict.fromkeys(sortable(part.store.journal, parameters))
        return list(names)

    def column(self, name: str) -> list[Any]:
        """Return one column of the table, a value for each of ``items``, None where unknown. Raises InvalidInput."""
        if name == "created_at":  # what a gallery begins with is in the listing
            return [item.created_at for item in self.items]
        if name not in self._columns:
            if name not in self.columns():
                raise InvalidInput([unknown_name_fault("column", name, self.columns(), where="sort")])
            found = [column_values(part.store.journal, name, part.numbers) for part in self.parts]
            self._columns[name] = [
                getattr(item, name, None) if item.request is None else found[item.part].get(item.request)
                for item in self.items
            ]
        return self._columns[name]

    def arranged(self, wanted: Wanted, marks: Collection[str] = ()) -> Arranged:
        """Return what ``wanted`` shows, and the counts of each facet under all other choices. Raises InvalidInput."""
        chosen = [(FACETS.index(name), allowed) for name, allowed in wanted.facets.items() if allowed]
        words = wanted.words.casefold().split()
        texts = self._searched() if words else []
        values = self._faceted()
        pictures_only = all(at != STATUS for at, _ in chosen)
        counts = [Counter[str]() for _ in FACETS]
        places = []
        seen: set[str] = set()
        for place in self._sorted(wanted.sort, wanted.descending):
            if words and not all(word in texts[place] for word in words):
                continue
            item = self.items[place]
            if wanted.marked and item.key not in marks:
                continue
            of_facet = values[place]
            against = [at for at, allowed in chosen if of_facet[at] not in allowed]
            if pictures_only and item.sha256 is None:
                against.append(STATUS)
            if len(against) > 1:  # it would not be shown whatever one facet said
                continue
            if wanted.once and item.sha256 is not None and not against:
                if item.sha256 in seen:
                    continue
                seen.add(item.sha256)
            for at in against or range(len(FACETS)):
                counts[at][of_facet[at]] += 1
            if not against:
                places.append(place)
        return Arranged(places, {name: dict(counted) for name, counted in zip(FACETS, counts, strict=True)})

    def table(self, places: Sequence[int]) -> pd.DataFrame:
        """Return the rows at ``places``, in that order, with the columns of ``run.table()``."""
        from imagegen_kit.tables.shelf_table import shelf_table

        return shelf_table(self, places)

    def _faceted(self) -> list[tuple[str, ...]]:
        if not self._values:
            self._values = [
                (i.model_used or i.model or NONE, i.style or NONE, i.status, self.run_label(i), i.created_at[:10])
                for i in self.items
            ]
        return self._values

    def _searched(self) -> list[str]:
        if not self._texts:
            self._texts = [
                f"{i.prompt} {i.style or ''} {i.model_used or ''} {i.model} {self.run_label(i)}".casefold()
                for i in self.items
            ]
        return self._texts

    def _sorted(self, name: str, descending: bool) -> list[int]:
        values = self.column(name)
        known = [place for place, value in enumerate(values) if value is not None]
        known.sort(key=lambda place: (_sort_key(values[place]), self.items[place].row, place), reverse=descending)
        return known + [place for place, value in enumerate(values) if value is None]


def _sort_key(value: Any) -> tuple[int, Any]:
    """Return a key by which numbers come before words, and words do not mind capitals."""
    return (0, value) if isinstance(value, (int, float)) else (1, str(value).casefold())


def _labels(runs: Sequence[dict[int, tuple[str, str | None, str, str]]]) -> dict[tuple[int, int], str]:
    named = {
        (part, number): (name or recipe.rpartition(":")[2] or "run", id)
        for part, found in enumerate(runs)
        for number, (id, name, recipe, _) in found.items()
    }
    often = Counter(label for label, _ in named.values())
    return {at: label if often[label] == 1 else f"{label} · {id}" for at, (label, id) in named.items()}
