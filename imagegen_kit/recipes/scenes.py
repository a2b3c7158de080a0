"""A script's pictures: all scenes at once, each in its own style and by the model of a tier."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import Policy
from imagegen_kit.engine.recipe import tried_by
from imagegen_kit.errors import InvalidInput, unknown_name_fault
from imagegen_kit.recipes.scene_list import NEGATIVE, TIERS, SceneBatch, read_scenes

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job

log = logging.getLogger(__name__)
CHECKS = {"format": ["png", "jpeg"], "size": None, "not_blank": None, "min_bytes": 10_241}


@tried_by(Policy(attempts=3, timeout_s=60, placeholder=True, checks=CHECKS))
async def scene_batch(
    job: Job,
    scenes: Any,
    *,
    tier: str | None = None,
    model: str | None = None,
    size: Any = (1920, 1080),
    negative_prompt: str | None = NEGATIVE,
    seed: int | None = None,
    **options: Any,
) -> SceneBatch:
    """Return a picture of each scene; one that fails leaves the others alone, and a marked placeholder stands for it.

    ``scenes`` is what ``recipes.read_scenes`` reads: a list of mappings with scene_number, image_create_prompt and
    image_style, a DataFrame, or a .csv or .json file. ``tier`` is "development" or "production" and chooses each
    scene's model by its style; ``model`` is one for all; without either it is the model in force. ``recipes.scene_batch
    .policy`` tries three times, at most 60 seconds each, and checks format, size, blankness and more than 10 KB.
    Raises InvalidInput with every fault before anything is sent.
    """
    if tier is not None and tier not in TIERS:
        raise InvalidInput([unknown_name_fault("tier", str(tier), TIERS, where="tier")])
    script = read_scenes(scenes)
    asks = (
        job.images(
            scene.prompt, model=model or scene.model(tier), style=scene.style, size=size,
            negative_prompt=negative_prompt, seed=seed, labels={"scene": scene.number}, **options,
        )
        for scene in script
    )  # fmt: skip
    answers = tuple(await asyncio.gather(*asks))
    batch = SceneBatch(tuple(script), answers, job.place)
    for number, result in batch.results.items():
        cost = "cost unknown" if result.cost.usd is None else f"{result.cost.usd:.4f} USD"
        what = result.artifacts[0].path if result.ok else f"no picture: {result.error}"
        log.info("scene %s: %s, %s, %s", number, result.model_used or result.request.model, cost, what)
        log.debug("scene %s was asked for with: %s", number, result.request.prompt)
    return batch
