"""The recipe ``keyframes``: a story's keyframes with the same characters in each, and the film between them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.recipe import brings
from imagegen_kit.recipes.shooting import SCORERS, measured, shoot
from imagegen_kit.recipes.story_file import read_story, story_faults
from imagegen_kit.recipes.story_numbers import CLIP
from imagegen_kit.recipes.story_told import Story

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job
    from imagegen_kit.recipes.storyboard import Storyboard


@brings(faults=story_faults)
async def keyframes(
    job: Job,
    story: Any,
    *,
    model: str | None = None,
    film_model: str | None = None,
    kind: str | None = None,
    chained: bool | None = None,
    threshold: float | None = None,
    tries: int | None = None,
    size: Any = None,
    seed: int | None = None,
    **options: Any,
) -> Story:
    """Make the keyframes of ``story``, a ``.yaml`` or ``.json`` file or a mapping, and a film where it names a backend.

    Shots of a chain follow each other, each given the keyframe before it; chains run side by side. A keyframe in which
    its characters are found by less than ``threshold`` (0 to 1) is asked for again, ``tries`` times in all, and the
    better one kept. What is named here takes precedence over what the story says: ``chained`` lets every shot follow
    the one before (False: none), ``film_model`` "none" makes no film, ``kind`` is single or paired; ``options`` are
    those of the keyframes' model. Failures are values. Raises InvalidInput with every fault of story and arguments
    before anything is sent.
    """
    board = read_story(
        story, model=model, film_model=film_model, kind=kind, chained=chained, threshold=threshold, tries=tries,
        size=size, seed=seed,
    )  # fmt: skip
    clips = job.clips(board.shots, "?", model=board.film_model, kind=board.kind) if board.film_model else ()
    parts = job.branches([board.most(chain) for chain in board.chains])
    asked = {"model": board.model, "style": board.style, "size": board.size, "seed": board.seed, **options}
    made = await asyncio.gather(*(shoot(*one, board, asked) for one in zip(parts, board.chains, strict=True)))
    frames = {one.shot.number: one for chain in made for one in chain}
    for numbers in board.sets:
        came = [frames[number] for number in numbers if frames[number].result.ok]
        told = await job.score([one.result for one in came], SCORERS, decides=False) if came else []
        for one, found in zip(came, told, strict=True):
            own = await measured(job, one.shot, one.result, decides=False)
            frames[one.shot.number] = replace(one, measures={**(found or {}), **own})
    ordered = tuple(frames[shot.number] for shot in board.shots)
    done = Story(board.name, ordered, threshold=board.threshold, run_id=job.place[0])
    return await _filmed(job, done, board, clips[0].last_frame is not None) if clips else done


async def _filmed(job: Job, story: Story, board: Storyboard, paired: bool) -> Story:
    """Add the clips between the keyframes that came, and one film of all; both are left out where too few came."""
    came = [one for one in story.keyframes if one.result.ok]
    if len(came) < (2 if paired else 1):
        return story
    frames = [one.result.artifacts[0] for one in came]
    between = job.clips(frames, "?", model=str(board.film_model), kind=board.kind)
    clips = [
        replace(
            clip, prompt=came[place].shot.clip(came[place + 1].shot if paired else None),
            seconds=came[place].shot.seconds,
            labels={"segment": came[place].shot.number, "variant": f"clip from {came[place].shot.name}", "mode": CLIP},
        )
        for place, clip in enumerate(between)
    ]  # fmt: skip
    films = await job.films(clips, model=board.film_model, size=board.film_size, seed=board.seed)
    return replace(story, clips=films, film=await job.join(films.films) if films.films else None)
