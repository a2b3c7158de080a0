"""How a chain of keyframes is made: each given the one before it, tried again where it is unlike, the better kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.recipes.story_told import Keyframe, Take
from imagegen_kit.recipes.storyboard import ANOTHER, EDIT, TEXT, Shot, Storyboard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.engine.job import Job
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.types import Result

SCORERS = ("consistency", "coherence")  # of sets, in the order of the story


async def measured(
    job: Job, shot: Shot, result: Result, before: Sequence[Result] = (), *, decides: bool = True
) -> Mapping[str, Measurement]:
    """Return the presence of the shot's characters, and with keyframes ``before`` the coherence with the last."""
    found: dict[str, Measurement] = {}
    if before:
        found |= (await job.score([before[-1], result], "coherence", decides=decides))[1] or {}
    if shot.characters:
        found |= (await job.score([result], {"presence": {"characters": shot.characters}}, decides=decides))[0] or {}
    return found


async def shoot(job: Job, shots: Sequence[Shot], board: Storyboard, asked: Mapping[str, Any]) -> list[Keyframe]:
    """Make keyframes in order, each given the last one that came."""
    made: list[Keyframe] = []
    for shot in shots:
        came = [one.result for one in made if one.result.ok]
        before = came[-1].artifacts[0] if came else None
        takes = [await _take(job, shot, before, board, asked)]
        while board.judged and takes[-1].result.ok:
            takes[-1] = replace(takes[-1], measures=await measured(job, shot, takes[-1].result, came))
            if not below(takes[-1], board) or len(takes) == board.tries:
                break
            takes.append(await _take(job, shot, before, board, asked, len(takes)))
        made.append(Keyframe(shot, tuple(takes), best(takes, board), job.place[0]))
    return made


async def _take(
    job: Job, shot: Shot, before: Any, board: Storyboard, asked: Mapping[str, Any], number: int = 0
) -> Take:
    """Ask once for a keyframe, and from words alone where the edit failed and that is allowed."""
    references = [] if board.mode == TEXT else shot.sent(before)
    variant = shot.name if not number else f"{shot.name}, try {number + 1}"
    labels = {"segment": shot.number, "variant": variant, "mode": EDIT if references else TEXT}
    given = {**asked, "sample": number * ANOTHER}
    words = shot.prompt if references else shot.described
    answer = await job.images(words, references=references or None, labels=labels, **given)
    if not references or not board.falls_back or answer.status not in ("failed", "blocked"):
        return Take(answer.results[0], str(labels["mode"]))
    labels |= {"mode": TEXT, "variant": f"{variant}, from words alone"}
    answer = await job.images(shot.described, labels=labels, **given)
    return Take(answer.results[0], TEXT, fell_back=True)


def below(take: Take, board: Storyboard) -> bool:
    """Whether a keyframe is to be asked for again; what could not be measured is not."""
    limits = (("presence", board.threshold), ("coherence", board.coherence))
    return any(low is not None and (found := take.value(name)) is not None and found < low for name, low in limits)


def best(takes: Sequence[Take], board: Storyboard) -> int:
    """Return the place of the try to keep: a picture before none, within the limits, more alike, more coherent."""

    def rank(place: int) -> tuple[Any, ...]:
        take = takes[place]
        return (
            take.result.ok,
            not below(take, board),
            take.value("presence") or 0.0,
            take.value("coherence") or 0.0,
            -place,
        )

    return max(range(len(takes)), key=rank)
