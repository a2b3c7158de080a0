"""``imagegen``: the toolkit from a terminal. Only typer is imported until a command runs."""

from imagegen_kit.cli import (  # each adds its commands
    calls,
    checking,
    judging,
    keeping,
    libraries,
    making,
    personas,
    plugins,
    reporting,
    scenes,
    showing,
    sketching,
    stories,
    uploading,
)
from imagegen_kit.cli.frame import app, main

__all__ = [
    "app",
    "calls",
    "checking",
    "judging",
    "keeping",
    "libraries",
    "main",
    "making",
    "personas",
    "plugins",
    "reporting",
    "scenes",
    "showing",
    "sketching",
    "stories",
    "uploading",
]
