"""``imagegen``: the toolkit from a terminal. Only typer is imported until a command runs."""

from imagegen_kit.cli import (  # each adds its commands
    checking,
    judging,
    keeping,
    libraries,
    making,
    personas,
    plugins,
    reporting,
    showing,
    sketching,
    stories,
    uploading,
)
from imagegen_kit.cli.frame import app, main

__all__ = [
    "app",
    "checking",
    "judging",
    "keeping",
    "libraries",
    "main",
    "making",
    "personas",
    "plugins",
    "reporting",
    "showing",
    "sketching",
    "stories",
    "uploading",
]
