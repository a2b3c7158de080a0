"""``imagegen``: the toolkit from a terminal. Only typer is imported until a command runs."""

from imagegen_kit.cli import judging, keeping, libraries, making, plugins, reporting, showing, uploading  # each adds its commands
from imagegen_kit.cli.frame import app, main

__all__ = ["app", "judging", "keeping", "libraries", "main", "making", "plugins", "reporting", "showing", "uploading"]
