"""Dotted names resolved at first use: plugin targets, and the few names that lead upward in the package.

Everything else imports downward (``tests/test_layers.py``); what an object offers for convenience from a higher layer
(how it shows itself in a cell, ``result.again()``) goes through the table below and nowhere else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

UPWARD = {
    "open_picture": "imagegen_kit.imaging.picture:open_picture",
    "html": "imagegen_kit.views:html",
    "default_engine": "imagegen_kit.engine.session:default_engine",
    "rescue": "imagegen_kit.store:rescue",
    "remote": "imagegen_kit.store.remote:Remote",
    "compare": "imagegen_kit.panels.compare.panel:Compare",
    "vote": "imagegen_kit.panels.vote.panel:VotePanel",
    "generate": "imagegen_kit.recipes.picture:generate",
    "film": "imagegen_kit.recipes.moving:film",
    "library_panel": "imagegen_kit.panels.library.panel:LibraryPanel",
    "open_run": "imagegen_kit.experiments.opening:open_run",
    "scorers": "imagegen_kit.tables.names:scorers",
    "report": "imagegen_kit.report.write:write_report",
    "listing": "imagegen_kit.views.listings:show_listing",
}


def load_target(target: str) -> Any:
    """Return what ``"package.module:attribute"`` names. Raises ImportError or AttributeError as Python does."""
    module, _, attribute = target.partition(":")
    value: Any = import_module(module)
    for part in attribute.split(".") if attribute else ():
        value = getattr(value, part)
    return value


def upward(name: str) -> Any:
    """Return the function that ``UPWARD`` lists under ``name``."""
    return load_target(UPWARD[name])


class Shown:
    """An object that draws itself in a notebook cell through ``views.html``; its repr is its ``text/plain``."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        html: str | None = upward("html")(self)
        return html
