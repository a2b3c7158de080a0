"""How the command line says something: prompts, names and services' words are text to a terminal, never commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from imagegen_kit.errors import printable

if TYPE_CHECKING:
    from imagegen_kit.types import Result


def say(text: object, *, err: bool = False) -> None:
    """Print ``text`` and a line end, to standard error where ``err``; control characters are written out."""
    typer.echo(printable(str(text)), err=err)


def spent_on(result: Result) -> str:
    """Return the model that answered, how long it took, and what was spent, in words."""
    from imagegen_kit.views.words import seconds, usd

    took = "cached" if result.status == "cached" or result.seconds is None else seconds(result.seconds)
    cost = usd(result.cost.usd) if result.cost.usd is not None else "cost unknown"
    return f"{result.model_used or result.request.model}  {took}  {cost}"
