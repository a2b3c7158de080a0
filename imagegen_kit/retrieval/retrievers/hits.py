"""``Hits``: what a search found, as references with scores, as a table, and with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from imagegen_kit.lazy import Shown
from imagegen_kit.retrieval.base import CHANNELS
from imagegen_kit.retrieval.library.references import reference_of
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.retrieval.base import Found, Hit, Item

NAMED = 3  # hits that the one line of text names


@dataclass(frozen=True, slots=True)
class About:
    """What is true of a whole search: who answered, by which embedder, over how many items, in how many seconds."""

    retriever: str
    embedder: str
    fingerprint: str
    items: int
    seconds: Mapping[str, float]
    notes: tuple[str, ...]


class Hits(Shown, Sequence[Reference]):
    """The references that a search found, best first, each with its ``score`` from 0 to 1; a slice is Hits again."""

    __slots__ = ("_about", "_found", "_items", "_places", "_references")

    def __init__(self, found: Found, items: Sequence[Item], about: About, places: Iterable[int] | None = None) -> None:
        self._found, self._items, self._about = found, items, about
        self._places = tuple(range(len(found.hits)) if places is None else places)
        self._references: tuple[Reference, ...] | None = None

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Reference: ...
    @overload
    def __getitem__(self, index: slice) -> Hits: ...
    def __getitem__(self, index: int | slice) -> Reference | Hits:
        if isinstance(index, slice):
            return Hits(self._found, self._items, self._about, self._places[index])
        return self.references[index]

    def __iter__(self) -> Iterator[Reference]:
        return iter(self.references)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The hits as a tuple of references, made when they are first looked at."""
        if self._references is None:
            hits, items = self._found.hits, self._items
            self._references = tuple([reference_of(items[place], hits[place].score) for place in self._places])
        return self._references

    @property
    def ids(self) -> list[str]:
        """The items' ids, best first."""
        return [self._items[place].id for place in self._places]

    @property
    def scores(self) -> list[float]:
        """The hits' scores, best first."""
        return [self._found.hits[place].score for place in self._places]

    @property
    def items(self) -> list[Item]:
        """The library's items themselves, with captions, tags and whatever else is known of them."""
        return [self._items[place] for place in self._places]

    def _pair(self, place: int) -> tuple[Hit, Item]:
        return self._found.hits[place], self._items[place]

    def _channels(self) -> list[str]:
        named = dict.fromkeys(self._found.exact)
        named.update(dict.fromkeys(name for hit in self._found.hits for name in hit.channels))
        return sorted(named, key=lambda name: CHANNELS.index(name) if name in CHANNELS else len(CHANNELS))

    def table(self) -> pd.DataFrame:
        """Return a DataFrame, one row a hit: rank, id, name, role, caption, score, and a channel's score and rank.

        A channel that did not find an item has NA in both of its columns; ``path`` is where the picture lies.
        """
        import pandas as pd

        rows = []
        for place in self._places:
            hit, item = self._pair(place)
            row: dict[str, Any] = {"rank": place + 1, "id": item.id, "name": item.name, "role": item.role}
            row |= {"caption": item.caption, "score": hit.score}
            for name in self._channels():
                said = hit.channels.get(name)
                row[f"{name}_score"] = said.score if said else None
                row[f"{name}_rank"] = said.rank if said else None
            rows.append({**row, "path": item.path})
        heads = [f"{name}_{what}" for name in self._channels() for what in ("score", "rank")]
        columns = ["rank", "id", "name", "role", "caption", "score", *heads, "path"]
        types: dict[str, Any] = dict.fromkeys(("id", "name", "role", "caption", "path"), "str")
        types |= {"rank": "int64", "score": "float64"}
        types |= {head: "Int64" if head.endswith("_rank") else "Float64" for head in heads}
        return pd.DataFrame(rows, columns=columns).astype(types)

    def explain(self) -> Explanation:
        """Return why these: ranks and scores by channel, exact or approximate, what ``where`` kept, ms by stage."""
        about, found = self._about, self._found
        ways = {name: "exact" if exact else "approximate" for name, exact in found.exact.items()}
        ms = {stage: 1000 * seconds for stage, seconds in about.seconds.items()}
        who = (about.retriever, about.embedder, about.fingerprint)
        return Explanation(*who, about.items, found.kept, ways, ms, about.notes, self.table(), found.among)

    def __repr__(self) -> str:
        hits = "1 hit" if len(self) == 1 else f"{len(self)} hits"
        told = [f"{r.name or r.role} {r.score:.2f}" for r in self.references[:NAMED]]
        hits += " (partial: see explain())" if self._found.among is not None else ""
        return hits + (f": {', '.join(told)}" if told else "") + (", …" if len(self) > NAMED else "")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explanation(Shown):
    """Why a search found what it found.

    ``items`` is how many the library holds and ``kept`` how many ``where`` let through (None: the retriever does not
    say). ``channels`` says of each "exact" or "approximate", ``ms`` milliseconds by stage, ``hits`` is the table.
    ``among`` is how many items were compared where a part of the library could not be asked; None: all of ``kept``.
    """

    retriever: str
    embedder: str
    fingerprint: str
    items: int
    kept: int | None
    channels: Mapping[str, str]
    ms: Mapping[str, float]
    notes: tuple[str, ...]
    hits: pd.DataFrame
    among: int | None = None

    @property
    def share(self) -> float | None:
        """The share of the library that ``where`` let through, from 0 to 1; None where it is not known."""
        return None if self.kept is None or not self.items else self.kept / self.items

    @property
    def facts(self) -> dict[str, str]:
        """Everything but the hits, in words."""
        count = self.kept if self.among is None else self.among
        share = 0 if count is None else count / max(1, self.items)
        searched = "not told" if count is None else f"{count:,} of {self.items:,} items ({share:.1%})"
        return {
            "retriever": self.retriever,
            "embedder": f"{self.embedder} ({self.fingerprint[:12]})",
            "searched": searched,
            "channels": ", ".join(f"{name} {way}" for name, way in self.channels.items()) or "none",
            "milliseconds": ", ".join(f"{stage} {ms:.2f}" for stage, ms in self.ms.items()),
            "notes": " ".join(self.notes) or "none",
        }

    def __str__(self) -> str:
        return "\n".join([*(f"{k}: {v}" for k, v in self.facts.items()), self.hits.to_string(index=False)])

    def __repr__(self) -> str:
        ways = ", ".join(f"{name} {way}" for name, way in self.channels.items())
        return f"Explanation({self.retriever}: {ways or 'no channel'}; {len(self.hits)} hits)"
