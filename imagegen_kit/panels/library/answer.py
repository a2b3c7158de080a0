"""An answer for the library panel, made in a thread of its own: hits for a question, or the library page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput
from imagegen_kit.panels.library.about import about
from imagegen_kit.panels.library.cards import (
    allowed,
    card_of,
    damaged_card,
    facets_of,
    hit_cards,
    items_of,
    where_of,
)  # fmt: skip
from imagegen_kit.panels.library.static import EMPTY
from imagegen_kit.retrieval.library.references import reference_of
from imagegen_kit.views.words import count, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from imagegen_kit.panels.library.ask import Ask
    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.retrieval.retrievers.hits import Hits
    from imagegen_kit.types import Reference

PAGE = 48  # cards of the library itself at a time


@dataclass(slots=True)
class Answer:
    """What is shown for ``ask``: ``hits``, or with none of them the library's items ``numbers``, page by page.

    ``problem`` says why there is neither. ``references`` are those of the cards, by id.
    """

    ask: Ask
    about: dict[str, Any]
    facets: dict[str, Any]
    hits: Hits | None = None
    numbers: np.ndarray | None = None
    cards: list[dict[str, Any]] = field(default_factory=list)
    references: dict[str, Reference] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    title: str = ""
    problem: str = ""

    @property
    def left(self) -> int:
        """How many of the library's items are not shown yet."""
        return 0 if self.numbers is None else len(self.numbers) - len(self.cards)


def answered(library: Library, ask: Ask, base: Mapping[str, Any], without: Sequence[int]) -> Answer:
    """Ask the library. What is wrong with the question is told as the answer's problem; raises StoreError."""
    with library._current:  # one state of the library from the first count to the last picture
        answer = Answer(ask, about(library, base), {"roles": [], "tags": []})
        if not answer.about["count"]:
            answer.problem = f"This library is empty: {EMPTY}"
            return answer
        try:
            answer.facets = facets_of(library, ask, base)
            if ask.empty:
                _browsed(library, answer, base, without)
            else:
                _searched(library, answer, base, without)
        except InvalidInput as error:
            answer.problem = error.message
        return answer


def _searched(library: Library, answer: Answer, base: Mapping[str, Any], without: Sequence[int]) -> None:
    ask = answer.ask
    hits = library.search(where=where_of(library, base, ask.filters, without), **ask.arguments(library))
    answer.hits, answer.cards = hits, hit_cards(library, hits, ask.text)
    answer.references = {str(r.origin): r for r in hits}
    answer.notes = list(hits._about.notes)
    ways = set(hits._found.exact.values())
    way = {frozenset({True}): "exact", frozenset({False}): "approximate"}.get(frozenset(ways), "exact in part")
    kept = hits._found.kept
    among = "" if kept is None or kept == answer.about["count"] else f" among {count(kept, 'picture')}"
    took = seconds(hits._about.seconds.get("total", 0.0))
    answer.title = " · ".join([f"{count(len(hits), 'hit')}{among}", *([way] if ways else []), took])


def _browsed(library: Library, answer: Answer, base: Mapping[str, Any], without: Sequence[int]) -> None:
    answer.numbers = allowed(library, base, answer.ask.filters, without)
    answer.title = count(len(answer.numbers), "picture")
    if not len(answer.numbers):
        answer.problem = "No picture passes these filters."
    next_page(library, answer)


def next_page(library: Library, answer: Answer) -> list[dict[str, Any]]:
    """Add the next pictures of the library itself to the answer, and return their cards."""
    assert answer.numbers is not None
    wanted = answer.numbers[len(answer.cards) : len(answer.cards) + PAGE].tolist()
    new = []
    for number, item in zip(wanted, items_of(library, wanted), strict=True):
        if isinstance(item, str):
            new.append(damaged_card(number, item))
            continue
        new.append(card_of(item))
        answer.references[item.id] = reference_of(item)
    answer.cards += new
    return new
