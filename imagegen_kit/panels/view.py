"""The front-end half of a panel: one anywidget, told what to show by messages, with pictures as binary buffers.

Import it inside functions: it brings anywidget and ipywidgets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from imagegen_kit.panels.assets import script, styles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Receive = Callable[[dict[str, Any], "Sequence[bytes]"], None]


class View(anywidget.AnyWidget):
    """A view over the static copy ``panel``; ``state`` is what a new view needs to begin (small: it is sent whole)."""

    panel = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, *, receive: Receive, **traits: Any) -> None:
        super().__init__(**traits)
        self._receive = receive
        self.on_msg(self._came)

    def _came(self, _view: Any, message: dict[str, Any], buffers: Sequence[Any] | None) -> None:
        if message.get("kind") == "ready":
            self.tell("here")  # the page waits for a word of the kernel, whatever this view has to show
        self._receive(message, [bytes(b) for b in buffers or ()])

    def tell(self, kind: str, buffers: Sequence[bytes] = (), **what: Any) -> None:
        """Send a message ``{"kind": kind, …}`` to the page; several views of one widget all get it."""
        self.send({"kind": kind, **what}, buffers=list(buffers))


@cache
def view_class(*names: str) -> type[View]:
    """Return the View whose script and style sheet are the named files; the last name is the panel's own."""
    sheets = tuple(name for name in names if _has_sheet(name))
    return type(f"{names[-1].title().replace('_', '')}View", (View,), {"_esm": script(*names), "_css": styles(*sheets)})


def _has_sheet(name: str) -> bool:
    from importlib.resources import files

    return files("imagegen_kit.panels").joinpath("css", f"{name}.css").is_file()
