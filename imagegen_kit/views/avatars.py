"""A persona's avatars: the selfie and the grids small, the avatars themselves, and what each stage took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import Markup, box, figure, lines, small, table, text
from imagegen_kit.views.pictures import shown
from imagegen_kit.views.words import seconds

if TYPE_CHECKING:
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.recipes.persona import Persona
    from imagegen_kit.recipes.portfolio import Avatars

SIDE_PX, SMALL_PX = 176, 104


def show_avatars(made: Avatars) -> str:
    """Show the avatars in order, what they were made of, and what could not be made."""
    sources = [_one(p, "the selfie", SMALL_PX) for p in made.base.pictures]
    sources += [_one(p, f"grid {k}", SMALL_PX) for k, p in enumerate(made.grids.pictures, 1)]
    pictures = [_one(p, f"avatar {k}", SIDE_PX) for k, p in enumerate(made.pictures, 1)]
    stages = ", ".join(f"{name} {seconds(took)}" for name, took in made.timings.items() if took)
    wrong = [text(f"✗ {error}") for error in made.failures]
    urls = [(text(number), text(url.partition("://")[2])) for number, url in enumerate(made.urls, 1)]
    count = lines(text(f"{made.persona}: {len(made)} of {len(made.cells)} pictures"))
    more = table(urls, ["", "URL"]) if urls else None
    return box(count, lines(*wrong), *pictures, lines(*[Markup("").join(sources)]), lines(small(text(stages))), more)


def show_persona(who: Persona) -> str:
    """Show a persona as a table."""
    rows = [(text(name), text(value)) for name, value in who.as_parameter().items()]
    return box(table(rows, ["", "persona"]))


def _one(picture: Picture, words: str, px: int) -> Markup:
    longest = max(picture.width or px, picture.height or px)
    fitted = max(1, round((picture.width or px) * min(1.0, px / longest)))
    return figure(shown(picture, words, px, fitted, None), text(words), px)
