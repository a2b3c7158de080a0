"""The library panel as it stays in a saved notebook: the last hits with small pictures, and what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError
from imagegen_kit.views.library import show_library
from imagegen_kit.views.markup import Markup, box, image, lines, notice, small, table, text
from imagegen_kit.views.pictures import AT_MOST
from imagegen_kit.views.words import count, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imagegen_kit.retrieval.library import Library

SMALL_PX = 96


def show_hit_table(
    library: Library,
    said: str,
    cards: Sequence[Mapping[str, Any]],
    pinned: Sequence[str],
    notes: Sequence[str],
    picture: Callable[[str, int], bytes],
) -> Markup:
    """Show what was found for ``said``, best first: rank, picture, score, id, caption and why."""
    found = cards[:AT_MOST]
    head = f"<b>{text(library.name)}</b> · {text(count(len(library), 'picture'))} · embedder "
    head += text(f"{library.embedder.name} · looked for {shortened(said, 300)} · {count(len(cards), 'hit')}")
    left = len(cards) - len(found)
    rows = [_row(card, card["id"] in pinned, picture) for card in found]
    return box(
        lines(head),
        table(rows, ["rank", "picture", "score", "id", "caption", "why"]) if rows else "",
        lines(f"… and {left} more; .table() has them all" if left else "", *(small(text(note)) for note in notes)),
    )


def _row(card: Mapping[str, Any], pinned: bool, picture: Callable[[str, int], bytes]) -> list[Markup]:
    name = "" if card["name"] == card["id"] else f"<br>{small(text(card['name']))}"
    facts = [card["caption"], *([", ".join(card["tags"])] if card["tags"] else []), card["role"]]
    return [
        text(f"{card['rank']}, pinned" if pinned else card["rank"]),
        _picture(card, picture),
        text(f"{card['score']:.2f}"),
        Markup(text(card["id"]) + name),
        Markup("<br>".join(text(fact) if i == 0 else small(text(fact)) for i, fact in enumerate(facts) if fact)),
        Markup("<br>".join(small(text(line)) for line in card["why"])),
    ]


def _picture(card: Mapping[str, Any], picture: Callable[[str, int], bytes]) -> Markup:
    alt = ", ".join(part for part in (card["name"], shortened(card["caption"], 80)) if part)
    try:
        fitted = max(1, round(card["width"] * min(1.0, SMALL_PX / max(card["width"], card["height"]))))
        return image(picture(card["sha"], SMALL_PX), alt=alt, width=fitted)
    except (ImagegenError, OSError) as error:
        return notice(shortened(error, 120), SMALL_PX)


def show_whole(library: Library) -> str:
    """Show the library itself, or that there is nothing in it yet."""
    if len(library):
        return show_library(library)
    return box(lines(f"<b>{text(library.name)}</b> is empty: {text(EMPTY)}"))


def show_chosen(rows: Sequence[tuple[str, str, str]], code: str) -> Markup:
    """Show the chosen references (id, name, role) and the line that uses them."""
    if not rows:
        return Markup("")
    listed = table([[text(i), text(name), text(role)] for i, name, role in rows], ["chosen", "name", "role"])
    return box(listed, f'<pre style="margin:4px 0;white-space:pre-wrap">{text_lines(code)}</pre>')


def text_lines(code: str) -> Markup:
    """Return escaped text that keeps its line ends."""
    return Markup("\n".join(text(line) for line in code.splitlines()))


EMPTY = 'add pictures with lib.add("folder").'
