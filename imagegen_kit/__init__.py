"""Image generation research in a notebook: models, prompts, styles and references side by side.

The names below are resolved at first use, so that the import costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "generate": "imagegen_kit.recipes.picture",
    "run": "imagegen_kit.engine.execute",
    "arun": "imagegen_kit.engine.execute",
    "stream": "imagegen_kit.engine.execute",
    "astream": "imagegen_kit.engine.execute",
    "Experiment": "imagegen_kit.experiments.experiment",
    "runs": "imagegen_kit.experiments.opening",
    "open_run": "imagegen_kit.experiments.opening",
    "Policy": "imagegen_kit.engine.policy",
    "RayEngine": "imagegen_kit.engine.ray_engine",
    "prompt_suite": "imagegen_kit.prompts.suites",
    "prompt_matrix": "imagegen_kit.prompts.matrix",
    "compile_prompt": "imagegen_kit.prompts.compile",
    "Style": "imagegen_kit.types",
    "Library": "imagegen_kit.retrieval.library",
    "Reference": "imagegen_kit.types",
    "Picture": "imagegen_kit.imaging.picture",
    "models": "imagegen_kit.tables.names",
    "styles": "imagegen_kit.tables.names",
    "plugins": "imagegen_kit.tables.names",
    "usage": "imagegen_kit.tables.spending",
    "register": "imagegen_kit.registry",
    "configure": "imagegen_kit.settings",
    "gallery": "imagegen_kit.panels.gallery.panel",
    "prompt_lab": "imagegen_kit.panels.lab.panel",
}
_MODULES = ("recipes", "errors", "plots", "scorers", "testing")

if TYPE_CHECKING:
    from imagegen_kit import errors, plots, recipes, scorers, testing
    from imagegen_kit.engine.execute import arun, astream, run, stream
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.ray_engine import RayEngine
    from imagegen_kit.experiments.experiment import Experiment
    from imagegen_kit.experiments.opening import open_run, runs
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.panels.gallery.panel import gallery
    from imagegen_kit.panels.lab.panel import prompt_lab
    from imagegen_kit.prompts.compile import compile_prompt
    from imagegen_kit.prompts.matrix import prompt_matrix
    from imagegen_kit.prompts.suites import prompt_suite
    from imagegen_kit.recipes.picture import generate
    from imagegen_kit.registry import register
    from imagegen_kit.retrieval.library import Library
    from imagegen_kit.settings import configure
    from imagegen_kit.tables.names import models, plugins, styles
    from imagegen_kit.tables.spending import usage
    from imagegen_kit.types import Reference, Style

__all__ = [
    "Experiment",
    "Library",
    "Picture",
    "Policy",
    "RayEngine",
    "Reference",
    "Style",
    "arun",
    "astream",
    "compile_prompt",
    "configure",
    "errors",
    "gallery",
    "generate",
    "models",
    "open_run",
    "plots",
    "plugins",
    "prompt_lab",
    "prompt_matrix",
    "prompt_suite",
    "recipes",
    "register",
    "run",
    "runs",
    "scorers",
    "stream",
    "styles",
    "testing",
    "usage",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"imagegen_kit.{name}")
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'imagegen_kit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
