"""Commands that judge what a run made: ``judge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagegen_kit.cli.frame import FAILED, command
from imagegen_kit.cli.saying import say


@command
def judge(
    run: Annotated[str, typer.Argument(help="A run's id or name, or a path.")],
    model: Annotated[str, typer.Option(help="A model that reads pictures and answers in text.")],
    by: Annotated[str | None, typer.Option(help="What to compare; else the model, or what alone varies.")] = None,
    pairs: Annotated[int | None, typer.Option(help="The most pairs to ask about; all if not said.")] = None,
    controls: Annotated[int | None, typer.Option(help="Pairs of known answer to mix in; else one in five.")] = None,
    rubric: Annotated[Path | None, typer.Option(help="A YAML file with criteria of your own.")] = None,
    budget: Annotated[float | None, typer.Option(help="The most that it may cost, in USD.")] = None,
    allow_same_vendor: Annotated[
        bool, typer.Option("--allow-same-vendor", help="Although the judge is of a contestant's vendor.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Another run, which asks again what failed.")] = False,
) -> None:
    """Let a model judge the pairs of a run, each in both orders, and say how far it can be believed."""
    import imagegen_kit as ik
    from imagegen_kit.cli.printing import print_table

    found = ik.open_run(run).judge(
        model, by, rubric=rubric, pairs=pairs, controls=controls, budget_usd=budget,
        allow_same_vendor=allow_same_vendor, fresh=fresh,
    )  # fmt: skip
    print_table(found.summary().round(3), empty="no pair was judged")
    for note in found.notes:
        say(note)
    say(f"votes of {found.rater}; asked in run {found.judging.id}")
    if not found.judged:
        raise typer.Exit(FAILED)
