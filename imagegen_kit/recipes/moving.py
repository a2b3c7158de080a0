"""A film of one prompt: from a first picture, between two, or from words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.film import Clip

if TYPE_CHECKING:
    from imagegen_kit.engine.film_result import FilmResult
    from imagegen_kit.engine.job import Job


async def film(
    job: Job,
    prompt: str,
    *,
    model: str = "offline/zoom",
    first_frame: Any = None,
    last_frame: Any = None,
    references: Any = None,
    duration: float | None = None,
    size: Any = None,
    aspect_ratio: str | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    sample: int = 0,
    **options: Any,
) -> FilmResult:
    """Ask for one film of ``prompt``, ``duration`` seconds long; a failure is a value in the result.

    (``seconds`` is a column of the table: how long the making took.)
    """
    clip = Clip(prompt, first_frame, last_frame, duration)
    asked = {"references": references, "size": size, "aspect_ratio": aspect_ratio, "negative_prompt": negative_prompt}
    return await job.films(clip, model=model, seed=seed, sample=sample, **asked, **options)
