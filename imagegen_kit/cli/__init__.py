"""``imagegen``: the toolkit from a terminal. Only typer is imported until a command runs."""

from imagegen_kit.cli import keeping, libraries, making, plugins, showing, uploading  # each adds its commands
from imagegen_kit.cli.frame import app, main

__all__ = ["app", "keeping", "libraries", "main", "making", "plugins", "showing", "uploading"]
