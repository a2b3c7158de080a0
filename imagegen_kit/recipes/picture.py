"""The simplest recipe: one prompt, ``n`` pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.execute import run
from imagegen_kit.engine.recipe import brings

if TYPE_CHECKING:
    from imagegen_kit.engine.image_result import ImageResult
    from imagegen_kit.engine.job import Job
    from imagegen_kit.engine.policy import Policy


@brings(models=lambda params: [params.get("model")])
async def image(
    job: Job,
    prompt: str,
    *,
    model: str | None = None,
    style: Any = None,
    references: Any = None,
    library: Any = None,
    retriever: str | None = None,
    query_by: str = "text",
    top_k: int | None = None,
    size: Any = None,
    aspect_ratio: str | None = None,
    quality: str | None = None,
    mask: Any = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    sample: int = 0,
    n: int = 1,
    **options: Any,
) -> ImageResult:
    """Ask for ``n`` pictures of ``prompt``; failures are values in the result."""
    return await job.images(
        prompt,
        model=model,
        style=style,
        references=references,
        library=library,
        retriever=retriever,
        query_by=None if query_by == "text" else query_by,
        top_k=top_k,
        size=size,
        aspect_ratio=aspect_ratio,
        quality=quality,
        mask=mask,
        negative_prompt=negative_prompt,
        seed=seed,
        sample=sample,
        n=n,
        **options,
    )


def generate(
    prompt: str,
    *,
    model: str | None = None,
    style: Any = None,
    references: Any = None,
    library: Any = None,
    retriever: str | None = None,
    query_by: str = "text",
    top_k: int | None = None,
    size: Any = None,
    aspect_ratio: str | None = None,
    quality: str | None = None,
    mask: Any = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    sample: int = 0,
    n: int = 1,
    policy: Policy | None = None,
    **options: Any,
) -> ImageResult:
    """Make ``n`` pictures of ``prompt`` and return them with what they cost and how they came about.

    ``model`` None is the configured one, else an offline model, never a paid one. ``style`` is a name or a Style;
    ``references`` are pictures (path, PIL, Picture, Reference, ``lib.query(…)``) or a list of them. ``library`` (a
    Library, its path or "shipped") adds the ``top_k`` references that suit the prompt best, or with
    ``query_by="image"`` the given references: 3 where ``top_k`` is None, none where it is 0. ``retriever`` names
    another way to look. ``size`` is ``(width, height)``, ``"1024x768"``, ``"16:9"`` or ``"2K"``; ``aspect_ratio`` may
    stand beside a resolution. ``mask`` marks with opaque white where the first reference may change. A seed is sent as
    ``seed + sample``. ``options`` are the model's own.

    Raises InvalidInput with everything wrong before anything is sent, and what went wrong where no picture came.
    """
    asked = {
        "model": model, "style": style, "references": references, "library": library,
        "retriever": retriever, "query_by": query_by, "top_k": top_k, "size": size, "aspect_ratio": aspect_ratio,
        "quality": quality, "mask": mask, "negative_prompt": negative_prompt, "seed": seed, "sample": sample, "n": n,
        **options,
    }  # fmt: skip
    unset = {"sample": 0, "n": 1, "query_by": "text"}
    given = {name: value for name, value in asked.items() if value is not None and value != unset.get(name)}
    result: ImageResult = run(image, policy=policy, prompt=prompt, **given)
    if not result.pictures:
        raise result.failure()
    return result
