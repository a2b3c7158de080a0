"""Commands that write for readers: ``report``."""

from __future__ import annotations

from typing import Annotated

import typer

from imagegen_kit.cli.frame import command
from imagegen_kit.cli.saying import say

TWO = 2  # a run and a page


@command
def report(
    places: Annotated[
        list[str], typer.Argument(metavar="[RUN] PAGE", help="A run (the latest if none), and the .html to write.")
    ],
    by: Annotated[str | None, typer.Option(help="What to compare; else the model, or what varies.")] = None,
    pictures: Annotated[int, typer.Option(help="The most pictures to show.")] = 200,
) -> None:
    """Write a run as one page that stands by itself. RUN may also be a bundle or a folder of pictures."""
    import imagegen_kit as ik

    if len(places) > TWO:
        raise typer.BadParameter("one run and one page, please", param_hint="[RUN] PAGE")
    run = places[0] if len(places) == TWO else "latest"
    say(f"{ik.open_run(run).report(places[-1], by=by, pictures=pictures)}")
