"""The panels' scripts and style sheets, put together from their files: no address is asked for anything."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

VIEWER = ("stage", "differences", "viewer")  # opens pictures large: view_class(*VIEWER, "gallery"); see js/viewer.js


@cache
def script(*names: str) -> str:
    """Return ``js/common.js`` and the named files of ``js/`` as one ES module; the last one has the default export."""
    return "\n".join(_read("js", f"{name}.js") for name in ("common", *names))


@cache
def styles(*names: str) -> str:
    """Return ``css/common.css`` and the named files of ``css/`` as one style sheet."""
    return "\n".join(_read("css", f"{name}.css") for name in ("common", *names))


def _read(folder: str, name: str) -> str:
    return files("imagegen_kit.panels").joinpath(folder, name).read_text(encoding="utf-8")
