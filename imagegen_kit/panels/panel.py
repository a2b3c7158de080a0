"""What every panel is: a static copy displayed first, a widget over it, its data one call away."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import ImagegenError, printable
from imagegen_kit.experiments.progress import in_notebook
from imagegen_kit.panels.worker import worker
from imagegen_kit.views.markup import lines, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from imagegen_kit.panels.view import View


START_S = 12.0  # a page that has not answered by then is given a new widget, once


@dataclass(frozen=True, slots=True)
class PanelError:
    """What went wrong in a panel: what it was doing, and the exception."""

    doing: str
    error: BaseException

    @property
    def words(self) -> str:
        """One line for the panel and its static copy."""
        said = self.error.message if isinstance(self.error, ImagegenError) else str(self.error)
        known = "" if isinstance(self.error, ImagegenError) else f"{type(self.error).__name__}: "
        return printable(f"{self.doing}: {known}{said}")


class Panel:
    """Base of all panels. A subclass gives ``static``, ``table``, ``_make`` and the ``actions`` that its page may ask.

    ``actions`` names methods by the kind of message that calls them, with the message and its buffers. They run on the
    worker thread, one at a time, and what they raise becomes a line in the panel and an entry of ``errors``.
    """

    actions: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self.id = f"panel-{secrets.token_hex(4)}"
        self.errors: list[PanelError] = []
        self.frozen = False
        self._lock = threading.RLock()
        self._heard = False  # whether a page has answered
        self._made: Any = None
        self._shown: list[tuple[Any, Any]] = []  # display handles of static copy and widget

    # ------------------------------------------------------------------ what a subclass gives
    def static(self) -> str:
        """Return the panel as HTML that needs neither kernel nor scripts, as it is now."""
        raise NotImplementedError

    def table(self) -> pd.DataFrame:
        """Return all that the panel is about."""
        raise NotImplementedError

    def _make(self) -> Any:
        """Return a new widget: a View, or a box of controls with a View in it."""
        raise NotImplementedError

    def _views(self) -> Sequence[View]:
        """Return the Views to tell errors to; the widget itself where it is one."""
        return [self._made] if hasattr(self._made, "tell") else []

    def _displayed(self) -> None:
        """Begin to follow what changes; called each time the panel is displayed."""

    # ------------------------------------------------------------------ what every panel offers
    @property
    def value(self) -> pd.DataFrame:
        """The rows that are selected, as a DataFrame; here: all."""
        return self.table()

    @property
    def widget(self) -> Any:
        """The ipywidget, to be put into layouts of your own; made at first use."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def freeze(self) -> None:
        """Put the static copy, as it is now, in the place of the widget, for good: what a saved notebook keeps."""
        self.frozen = True
        self.refresh()
        for _, widget in self._shown:
            if widget is not None:
                widget.update(_html(""))
        self._shown = [(static, None) for static, _ in self._shown]
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def refresh(self) -> None:
        """Bring the displayed static copies up to date: a plain save keeps the latest state."""
        with self._lock:  # else a copy that was drawn earlier, in another thread, could be put up later
            if self._shown:
                now = _html(self._framed())
            for static, _ in self._shown:
                static.update(now)

    def _framed(self) -> str:
        told = lines(*(f'<span style="color:#d84343">{text(e.words)}</span>' for e in self.errors[-3:]))
        # two prices in one text would be mathematics between dollars, and a prompt may be
        return f'<div id="{self.id}" class="mathjax_ignore tex2jax_ignore">{self.static()}{told}</div>'

    def _ipython_display_(self) -> None:
        if not in_notebook():
            print(repr(self))
            return
        with self._lock:  # what is drawn now is among the displayed ones before anything else is drawn
            self._display()
        if not self.frozen:
            self._displayed()

    def _display(self) -> None:
        from IPython.display import display

        static = display(_html(self._framed()), display_id=True)  # type: ignore[no-untyped-call]
        if self.frozen:
            self._shown.append((static, None))
            return
        widget = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._shown.append((static, widget))
        looks = iter((True, False))
        worker().follow(lambda: next(looks) or bool(self.guard("start", self._renew)), every_s=START_S)

    def _bundle(self) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}

    def _renew(self) -> None:
        """Put a new widget in the place of one that the page has not started: nothing else brings it to life.

        anywidget gives a page two seconds to read its script, and on a busy machine that is not always enough.
        """
        if self._heard or self.frozen:
            return
        made, self._made = self._made, None
        if made is not None:
            made.close()
        for _, widget in self._shown:
            if widget is not None:
                widget.update(self._bundle(), raw=True)

    # ------------------------------------------------------------------ messages from the page
    def receive(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Take a message of the page, in whatever thread it comes, and leave it to the worker."""
        self._heard = True
        worker().submit(lambda: self.handle(message, buffers))

    def handle(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Do what a message asks, now and in this thread; unknown kinds are a fault of the panel, and told."""
        kind = str(message.get("kind"))
        if kind not in self.actions:
            self.fail(f"message {kind!r}", ValueError("this panel knows no such action"))
            return
        self.guard(kind.replace("_", " "), getattr(self, self.actions[kind]), message, buffers)

    def guard(self, doing: str, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``; what it raises is told in the panel, and None returned."""
        try:
            with self._lock:
                return function(*args)
        except Exception as error:  # nothing may disappear in a log that nobody opens
            self.fail(doing, error)
            return None

    def fail(self, doing: str, error: BaseException) -> None:
        """Record what went wrong and show it."""
        told = PanelError(doing, error)
        self.errors.append(told)
        self._tell("error", text=told.words)

    def _tell(self, kind: str, buffers: Sequence[bytes] = (), **what: Any) -> None:
        """Send a message to all views."""
        for view in self._views():
            view.tell(kind, buffers, **what)


def _html(markup: str) -> Any:
    from IPython.display import HTML

    return HTML(markup)  # type: ignore[no-untyped-call]
