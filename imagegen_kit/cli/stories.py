"""``imagegen keyframes``: the keyframes and the film of a story, from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imagegen_kit.cli.destinations import check_folder, writing_out
from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say, spent_on


@command
def keyframes(
    story: Annotated[Path, typer.Argument(help="A story as YAML or JSON.")],
    model: Annotated[str | None, typer.Option(help="Which model draws; else as the story says.")] = None,
    film_model: Annotated[str | None, typer.Option(help="Which model films; else as the story says.")] = None,
    kind: Annotated[str | None, typer.Option(help="Clips of keyframes: single or paired.")] = None,
    chained: Annotated[
        bool | None, typer.Option("--chained/--not-chained", help="Give each keyframe the one before it.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Presence, 0 to 1, below which one is tried again.")] = None,
    tries: Annotated[int | None, typer.Option(help="How often one keyframe is asked for at most.")] = None,
    size: Annotated[str | None, typer.Option(help="1024x768, 16:9 or 2K.")] = None,
    seed: Annotated[int | None, typer.Option(help="Sent to the models.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="New folder; else named after the story.")] = None,
) -> None:
    """Make the keyframes of STORY and its film, and save them into a folder. One line a keyframe as it comes."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table
    from imagegen_kit.types import Completed, Finished

    target = out or Path(story.stem)
    check_folder(target, "--out", new=True)
    asked = {
        "model": model, "film_model": film_model, "kind": kind, "chained": chained, "threshold": threshold,
        "tries": tries, "size": size, "seed": seed,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    for event in ik.stream(ik.recipes.keyframes, story=str(story), **given):
        if isinstance(event, Completed):
            result = event.result
            if event.error is not None:
                say(f"{result.request.labels.get('variant', '')}  not made: {event.error}", err=True)
                continue
            say(f"{result.request.labels.get('variant', '')}  {spent_on(result)}")
        elif isinstance(event, Finished):
            made = event.value
            print_table(made.table()[["name", "mode", "tries", "status", "presence", "coherence", "cost_usd"]])
            with writing_out():
                folder = made.save(target)
            say(folder)
            for wrong in made.failures:
                say(f"not made: {wrong}", err=True)
            if made.failures:
                raise typer.Exit(FAILED)
