"""``imagegen scenes``: a picture for each scene of a script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imagegen_kit.cli.destinations import check_folder, writing_out
from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say, spent_on


@command
def scenes(
    script: Annotated[Path, typer.Argument(help="A .csv or .json file of scenes.")],
    tier: Annotated[str | None, typer.Option(help="development or production; it chooses the models.")] = None,
    model: Annotated[str | None, typer.Option(help="One model for all; see `imagegen models`.")] = None,
    size: Annotated[str | None, typer.Option(help="1920x1080 if not said; 9:16, 1:1 …")] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What to avoid, in place of the usual.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sent to the model, the same for each scene.")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write the pictures into a new folder below this one.")] = None,
) -> None:
    """Make a picture of each scene of SCRIPT. One line each as it comes: number, model, time, cost, file."""
    import imagegen_kit as ik
    from imagegen_kit.types import Completed, Finished
    from imagegen_kit.views.words import count, usd_sum

    if save is not None:
        check_folder(save, "--save")
    asked = {"tier": tier, "model": model, "size": size, "negative_prompt": negative_prompt, "seed": seed}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    for event in ik.stream(ik.recipes.scene_batch, scenes=str(script), **given):
        if isinstance(event, Completed):
            number = event.result.request.labels["scene"]
            if event.result.ok:
                say(f"scene {number}  {spent_on(event.result)}  {event.path}")
            else:
                say(f"scene {number}  no picture: {event.error}", err=True)
        elif isinstance(event, Finished):
            batch = event.value
            costs = [result.cost.usd for result in batch]
            came = len(batch) - len(batch.failed)
            cost = usd_sum(sum(c for c in costs if c is not None), costs.count(None))
            say(f"{came} of {count(len(batch), 'scene')} have a picture of their own, cost {cost}")
            if save is not None:
                with writing_out():
                    saved = batch.save(save)
                for path in saved.values():
                    say(path)
            if batch.failed:
                raise typer.Exit(FAILED)
