"""A story in a cell: its keyframes in order with their scores, the film playing, and what did not come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.films import about, played
from imagegen_kit.views.markup import Markup, box, figure, lines, notice, small, text
from imagegen_kit.views.pictures import outcome_of, shown
from imagegen_kit.views.words import STAND_IN, count, is_stand_in, shortened, usd

if TYPE_CHECKING:
    from imagegen_kit.recipes.story_told import Keyframe, Story

SIDE_PX, FILM_PX = 224, 512


def show_story(story: Story) -> str:
    """Show the keyframes, then the film that was joined of the clips."""
    names = ", ".join(dict.fromkeys(one.result.model_used or one.result.request.model for one in story))
    stands_in = f" ({STAND_IN})" if any(is_stand_in(one.result.model_used) for one in story) else ""
    head = f"{story.name}: {len(story.pictures)} of {count(len(story), 'keyframe')} by {names}{stands_in}"
    film = None
    if story.film is not None:
        width = min(story.film.width or FILM_PX, FILM_PX)
        film = figure(played(story.film, f"{story.name}, {about(story.film)}", width, None), _film(story), width)
    wrong = [text(f"✗ {shortened(one, 300)}") for one in story.failures]
    return box(lines(text(head)), *map(_keyframe, story), lines(film), lines(*wrong), lines(small(_numbers(story))))


def _keyframe(one: Keyframe) -> Markup:
    found = [("presence", one.score()), ("coherence", one.score("coherence"))]
    facts = [f"{name} {value:.2f}" for name, value in found if value is not None]
    facts += [f"the better of {len(one.takes)} tries"] if len(one.takes) > 1 else []
    facts += ["made from words alone, for the edit failed"] if one.take.fell_back else []
    caption = Markup("<br>".join(map(text, [f"{one.shot.number}. {one.shot.name}", *facts])))
    outcome = outcome_of(one.result)
    picture = one.picture
    if picture is None:
        return figure(notice(outcome.failed, SIDE_PX), caption, SIDE_PX)
    width = max(1, round((picture.width or 1) * min(1.0, SIDE_PX / max(picture.width or 1, picture.height or 1))))
    return figure(shown(picture, outcome.alt, SIDE_PX, width, None), caption, SIDE_PX)


def _film(story: Story) -> Markup:
    clips = story.clips
    words = about(story.film) if story.film is not None else ""
    asked = len(clips) if clips is not None else 0
    came = len(clips.films) if clips is not None else 0
    return text(f"{words} · {count(came, 'clip')}" + (f" of {asked}, the others failed" if came < asked else ""))


def _numbers(story: Story) -> Markup:
    numbers = story.metrics()["value"]
    words = [f"mean presence {numbers['presence']:.2f}"] if numbers.notna()["presence"] else []
    words += [f"drift {numbers['drift']:+.3f} a keyframe"] if numbers.notna()["drift"] else []
    cost = float(numbers["cost_usd"]) if numbers.notna()["cost_usd"] else None
    return text(" · ".join([*words, f"cost {usd(cost)}"]))
