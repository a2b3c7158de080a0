"""A script's pictures: all scenes at once, each in its own style and by the model of a tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import Policy
from imagegen_kit.engine.recipe import brings
from imagegen_kit.recipes.batch import SceneBatch, log_scenes
from imagegen_kit.recipes.scene_list import NEGATIVE, check_tier, read_scenes, scene_faults, scene_models

if TYPE_CHECKING:
    from imagegen_kit.engine.job import Job

CHECKS = {"format": ["png", "jpeg"], "size": None, "not_blank": None, "bytes_per_megapixel": None}


@brings(
    policy=Policy(attempts=3, timeout_s=60, placeholder=True, checks=CHECKS), faults=scene_faults, models=scene_models
)
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
    scene's model by its style; ``model`` is one for all; without either it is the model in force. The policy
    ``recipes.scene_batch.policy`` tries three times, at most 60 seconds each, and checks format, size, blankness and
    more than 10 KB at 1920 × 1080. Raises InvalidInput with every fault before anything is sent.
    """
    check_tier(tier, model)
    script = read_scenes(scenes)
    answer = await job.images(
        [scene.prompt for scene in script], style=[scene.style for scene in script], labels=[s.labels for s in script],
        model=model or [scene.model(tier) for scene in script], size=size, negative_prompt=negative_prompt, seed=seed,
        **options,
    )  # fmt: skip
    batch = SceneBatch(tuple(script), answer, job.place)
    log_scenes(batch)
    return batch
