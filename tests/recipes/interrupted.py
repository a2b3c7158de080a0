"""The five recipes as experiments whose models stop answering in the middle; as a program it begins them all.

    python -m tests.recipes.interrupted

It works in the folder that it stands in, and never ends by itself. Each call leaves a line in ``<recipe>.log``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import imagegen_kit as ik
from tests.engine.models import model
from tests.recipes.stories import story, true_to_reference, write_figure
from tests.recipes_steps import as_asked, gradient

MIRA = {"firstname": "Mira", "lastname": "Holm", "gender": "woman", "id": "mira"}
SCENES = [{"scene_number": n, "image_create_prompt": f"scene {n} of a play"} for n in (1, 2, 3, 4, 5)]
FIGURE = {"characters": {"ada": {"image": "ada.png", "description": "a robot with a yellow head"}}}
STORY = story(4, settings={"image_model": "keyframes/one", "sequential_generation": True, "reference_images": FIGURE})
SMALL = ik.recipes.scene_batch.policy.with_(attempts=1, checks=["not_blank", "size"], placeholder=False)
# Of each recipe what is asked for, what its model answers, and which call is the one that never ends.
ASKED: dict[str, tuple[Any, dict[str, Any], dict[str, Any], Any, int]] = {
    "call_scene": (ik.recipes.call_scene, {"callee_name": ["Bo", "Cy", "Di"]}, {"size": 64}, gradient, 2),
    "scene_batch": (ik.recipes.scene_batch, {"scenes": [SCENES]}, {"size": (320, 180), "policy": SMALL}, gradient, 4),
    "concept_sketches": (ik.recipes.concept_sketches, {"brief": ["a fox"]}, {"size": 64, "rules": False}, gradient, 3),
    "avatars": (ik.recipes.avatars, {"n": [8]}, {"persona": MIRA}, as_asked, 3),
    "keyframes": (ik.recipes.keyframes, {"seed": [1]}, {"story": STORY}, true_to_reference, 3),
}


def model_of(name: str) -> str:
    """Return the name of the model that a recipe asks."""
    return f"{name.replace('_', '-')}/one"


def logged(name: str, *, stops: bool) -> Any:
    """Answer like the model of a recipe, and leave a line for each call; with ``stops`` one call never ends."""
    _, _, _, answer, last = ASKED[name]

    async def step(script: Any, request: Any, progress: Any) -> Any:
        with Path(f"{name}.log").open("a") as log:
            log.write(request.prompt.replace("\n", " ") + "\n")
        if stops and script.calls == last:
            await asyncio.Event().wait()
        return await answer(script, request, progress)

    return step


def experiment(name: str, *, stops: bool) -> ik.Experiment:
    """Return the experiment of a recipe, after its model is registered. One call of it is under way at a time."""
    recipe, vary, fixed, _, _ = ASKED[name]
    model(model_of(name), *[logged(name, stops=stops)] * 9, price=0.02)
    policy = fixed.get("policy") or getattr(recipe, "policy", None) or ik.Policy()
    fixed = {key: value for key, value in fixed.items() if key != "policy"} | {"model": model_of(name)}
    return ik.Experiment(recipe, vary=vary, fixed=fixed, name=name, policy=policy.with_(concurrency=1))


if __name__ == "__main__":
    write_figure(Path())
    runs = [experiment(name, stops=True).start() for name in ASKED]
    for run in runs:
        run.wait()
