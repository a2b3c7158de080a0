"""Libraries that scorers borrow arithmetic from: loaded when a scorer is made, which else says what to install."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from imagegen_kit.errors import MissingDependency

INSTALL = 'pip install "imagegen-kit[metrics]"'


def borrow(module: str, scorer: str) -> Any:
    """Return the module of that name. Raises MissingDependency, naming the scorer and the command that installs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = {"skimage": "scikit-image"}.get(module.partition(".")[0], module.partition(".")[0])
        raise MissingDependency(f"The scorer {scorer!r}", package, INSTALL) from error
