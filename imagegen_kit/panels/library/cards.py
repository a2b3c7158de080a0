"""What the library panel's page shows of a library, its items and its hits: plain dicts of short texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.base import IMAGE, TEXT, TEXT_TO_IMAGE
from imagegen_kit.retrieval.library.filters import condition
from imagegen_kit.types.common import ROLES
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from imagegen_kit.panels.library.ask import Ask
    from imagegen_kit.retrieval.base import Hit, Item
    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.retrieval.retrievers.hits import Hits

MOST_TAGS = 200  # offered, the commonest first
WORDS_HEARD = 16  # of a query that the reasons name
CHANNEL = {TEXT: "words", IMAGE: "looks alike", TEXT_TO_IMAGE: "pictured words"}
_TAGS = (
    "SELECT tag, COUNT(*) AS n FROM tags WHERE number IN (SELECT number FROM items WHERE {}) "
    "GROUP BY tag ORDER BY n DESC, tag LIMIT ?"
)


def card_of(item: Item) -> dict[str, Any]:
    """Return an item as the page shows it."""
    return {
        "id": item.id,
        "number": item.number,
        "sha": item.sha256,
        "name": shortened(item.name or item.id, 120),
        "caption": shortened(item.caption or item.description or "", 300),
        "tags": [shortened(tag, 40) for tag in item.tags[:8]],
        "role": item.role,
        "width": item.width,
        "height": item.height,
        "path": item.path,
        "licence": shortened(item.licence or "", 80),
    }


def items_of(library: Library, numbers: Sequence[int] | np.ndarray) -> list[Item | str]:
    """Return items by number; in the place of one whose row is damaged, what is wrong with it."""
    try:
        return list(library.items(numbers))
    except StoreError:
        found: list[Item | str] = []
        for number in numbers:
            try:
                found += library.items([number])
            except StoreError as error:
                found.append(shortened(error.message, 200))
        return found


def damaged_card(number: int, why: str) -> dict[str, Any]:
    """Return the card of an item whose row cannot be read."""
    return {"id": f"#{number}", "number": number, "name": f"picture {number}", "damaged": why}


def hit_cards(library: Library, hits: Hits, text: str) -> list[dict[str, Any]]:
    """Return the hits as cards, each with its rank, score and reasons."""
    matched = _matched(library, hits, text)
    cards = []
    for place in range(len(hits)):
        hit, item = hits._pair(place)
        why = _why(hit, matched.get(item.number, []))
        cards.append({**card_of(item), "rank": place + 1, "score": round(hit.score, 4), "why": why})
    return cards


def _why(hit: Hit, words: list[str]) -> list[str]:
    """Return one line for each channel that found the item: what it says, from 0 to 1, and the words that it holds."""
    lines = []
    for name, said in hit.channels.items():
        line = f"{CHANNEL.get(name, name)} {said.score:.2f} (no. {said.rank})"
        lines.append(f"{line}: {', '.join(words)}" if name == TEXT and words else line)
    return lines


def _matched(library: Library, hits: Hits, text: str) -> dict[int, list[str]]:
    """Return which words of the query each hit holds, itself or by a synonym."""
    import numpy as np

    words = list(dict.fromkeys(word.strip(".,;:!?\"'“”()").lower() for word in text[:4000].split()))[:WORDS_HEARD]
    numbers = np.array([item.number for item in hits.items], dtype=np.int64)
    found: dict[int, list[str]] = {}
    if not any(TEXT in hit.channels for hit in hits._found.hits):
        return found
    for word in filter(None, words):
        for number in numbers[library.words.held(word, numbers) != 0].tolist():
            found.setdefault(number, []).append(word)
    return found


def facets_of(library: Library, ask: Ask, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return roles and tags with how many pictures each would leave, given the other filters."""
    tagged = {"tags": list(ask.tags)} if ask.tags else {}
    roles = [(role, len(allowed(library, base, {**tagged, "role": role}))) for role in ROLES]
    sql, values = condition(_joined(library, base, ask.filters), library._records)
    tags = library._records.read(_TAGS.format(sql), [*values, MOST_TAGS])
    counted = {str(tag): n for tag, n in tags}
    missing = [tag for tag in ask.tags if tag not in counted]
    return {
        "roles": [{"name": role, "count": n} for role, n in roles if n or role in ask.roles],
        "tags": [*({"name": t, "count": 0} for t in missing), *({"name": t, "count": n} for t, n in counted.items())],
    }


def allowed(
    library: Library, base: Mapping[str, Any], filters: Mapping[str, Any], without: Sequence[int] = ()
) -> np.ndarray:
    """Return the numbers of the items that both filters let through, ascending, but for those in ``without``."""
    import numpy as np

    numbers = library.numbers(_joined(library, base, filters) or None)
    return numbers[~np.isin(numbers, np.asarray(without, dtype=np.int64))] if without else numbers


def where_of(
    library: Library, base: Mapping[str, Any], filters: Mapping[str, Any], without: Sequence[int]
) -> dict[str, Any] | None:
    """Return the ``where=`` of a search by both filters that never shows ``without``; None where all may be found."""
    if without:
        return {"number": allowed(library, base, filters, without).tolist()}
    return _joined(library, base, filters) or None


def _joined(library: Library, base: Mapping[str, Any], filters: Mapping[str, Any]) -> dict[str, Any]:
    both = set(base) & set(filters)
    if not both:
        return {**base, **filters}
    return {**filters, "number": library.numbers(base).tolist()}  # the same field asked twice: both must hold
