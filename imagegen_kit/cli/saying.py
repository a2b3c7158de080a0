"""How the command line says something: prompts, names and services' words are text to a terminal, never commands."""

from __future__ import annotations

import typer

from imagegen_kit.errors import printable


def say(text: object, *, err: bool = False) -> None:
    """Print ``text`` and a line end, to standard error where ``err``; control characters are written out."""
    typer.echo(printable(str(text)), err=err)
