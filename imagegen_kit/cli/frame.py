"""The command line's frame: global options, and how errors and Ctrl-C end a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from imagegen_kit.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED, BAD_INPUT, STOPPED = 1, 2, 130


class Commands(TyperGroup):
    """Commands whose errors are said in plain words, without a traceback; the exit status tells what happened."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Exit status 2: bad input, 1: it failed, 130: stopped by Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("stopped; run it again to go on", err=True)
            raise typer.Exit(STOPPED) from None
        except Exception as error:
            from imagegen_kit.errors import ImagegenError, InvalidInput

            if not isinstance(error, ImagegenError):
                raise
            say(f"imagegen: {error}", err=True)
            raise typer.Exit(BAD_INPUT if isinstance(error, InvalidInput) else FAILED) from error


# Markup and drawn tracebacks need rich, which takes longer to import than all else together.
app = typer.Typer(
    name="imagegen",
    cls=Commands,
    help="Make pictures, run experiments, and look at what came of them.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from imagegen_kit import __version__

        say(f"imagegen-kit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    store: Annotated[
        Path | None, typer.Option(help="Folder of pictures and journal; else the nearest imagegen-store.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if store is not None:
        from imagegen_kit import configure

        configure(store=store)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Make ``function`` a command of ``imagegen``, by its name without underscores."""
    return app.command(function.__name__.strip("_"))(function)


def main() -> None:
    """Run ``imagegen`` with the arguments of this process."""
    app()
