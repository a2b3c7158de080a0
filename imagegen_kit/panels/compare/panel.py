"""The compare panel: a run as rows × columns of any two parameters, filling while it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.engine.session import engine_for
from imagegen_kit.experiments.execution import Execution
from imagegen_kit.experiments.run import Run
from imagegen_kit.panels.assets import VIEWER
from imagegen_kit.panels.compare.cells import details, differences
from imagegen_kit.panels.compare.news import News
from imagegen_kit.panels.compare.showing import Showing
from imagegen_kit.panels.compare.standing import Standing
from imagegen_kit.panels.panel import Panel
from imagegen_kit.panels.pictures import PictureSource
from imagegen_kit.panels.worker import worker
from imagegen_kit.views.run import show_run
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

LOOK_EVERY_S = 0.2
KEEP_EVERY_S = 60.0  # so often the static copy is renewed while a run goes on: what a save in between keeps


class Compare(Panel):
    """The panel of one run; ``run.panel()`` makes it. ``value`` are the marked results, ``table()`` is the run's."""

    actions: ClassVar[dict[str, str]] = {
        "ready": "_ready", "thumbnails": "_thumbnails", "open": "_open", "lay out": "_lay_out", "more": "_more",
        "mark": "_mark", "about": "_about", "differences": "_differences", "stop": "_stop", "resume": "_resume",
        "retry": "_retry",
    }  # fmt: skip

    def __init__(self, run: Run, *, rows: str | None = None, columns: str | None = None) -> None:
        super().__init__()
        self.run = run
        self._news = News(run)
        self._showing = Showing(run, self._news, rows, columns)
        self._standing = Standing(run, self._news)
        self._source = PictureSource(self._showing.pictures.get, run._store.blobs)
        self._marked: list[int] = []
        self._following = self._fresh = False  # whether the worker looks; whether the page has the grid to add to
        self._kept = 0.0
        self._unread = False  # whether following went wrong: then only the run's end is waited for
        self._drawn_running = False  # whether the last static copy says that the run goes on
        run._followers.append(self._go_on)

    def __repr__(self) -> str:
        what = count(self.run.cells, "cell")
        if self.run._only is not None:
            what = f"{count(len(self.run._only), 'result')} selected"
        return f"Compare({f'{self.run.name!r}, ' if self.run.name else ''}{what})"

    def static(self) -> str:
        """Return the run's grid with the rows and columns that are chosen now."""
        self._drawn_running = self.run.running
        return show_run(self.run, self._showing.rows, self._showing.columns or "")

    def table(self) -> pd.DataFrame:
        """Return the run's table."""
        return self.run.table()

    @property
    def value(self) -> pd.DataFrame:
        """The rows of the results that are marked, as in ``table()``; none at first."""
        return self._part(self._marked).table()

    def _part(self, requests: Sequence[int]) -> Run:
        return Run(self.run._store, self.run.id, only=frozenset(requests))

    def _make(self) -> Any:
        from imagegen_kit.panels.view import view_class

        return view_class(*VIEWER, "compare")(receive=self.receive, panel=self.id)

    # ------------------------------------------------------------------ following the run
    def _displayed(self) -> None:
        if self.run._execution is None:  # a run that another cell of this session has started
            self.run._execution = Execution.live(engine_for(self.run._engine), self.run._number)
        if self.run.running:
            self._go_on()
        elif self._drawn_running:  # it ended while it was drawn, and perhaps nobody follows it
            self.guard("the static copy", self.refresh)

    def _go_on(self) -> None:
        """Follow the run from now on: it has begun, or goes on."""
        if self.frozen:
            return
        with self._lock:
            self._news.reset()
            self._standing.begin()
            self._fresh = self._showing.stopped = self._unread = False
            self._kept = time.monotonic()
            if self._following:
                return
            self._following = True
        worker().follow(self._look, LOOK_EVERY_S)

    def _look(self) -> bool:
        again: bool | None = None if self._unread else self.guard("follow the run", self._tick)
        if again is None:  # told once; how the run ended has to be kept all the same
            with self._lock:
                again = self._following = self._unread = self.run.running
            if not again:
                self.guard("the static copy", self.refresh)
        return again

    def _tick(self) -> bool:
        running = self.run.running
        if not running:
            self.run._flush()
            if self.run._execution is not None:  # a disk that is full ends a run: it is said here or nowhere
                self.guard("the run", self.run._execution.wait, 0)
        if not self._fresh:
            self._show()
        changed = self._news.read() | self._news.look_at_calls()
        if not running:
            self._showing.stopped = len(self._news.ended) < self.run.cells
            changed |= self._showing.unfinished
        if cells := self._showing.cells(changed):
            self._tell("cells", cells=cells)
        self._tell_standing()
        if not running or time.monotonic() - self._kept > KEEP_EVERY_S:
            self._kept = time.monotonic()
            self.refresh()
        self._following = running  # last: who waits for the end finds all of it told
        return running

    def _tell_standing(self) -> None:
        self._tell("standing", **self._standing.told(stopped=self._showing.stopped))

    def _show(self) -> None:
        """Tell the whole grid, as far as it is shown."""
        self.run._flush()
        self._news.read()
        self._news.look_at_calls()
        self._tell("grid", **self._showing.whole(), marked=self._marked)
        self._tell_standing()
        self._fresh = True

    # ------------------------------------------------------------------ what the page asks
    def receive(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Take a message of the page; Stop acts at once, before whatever the worker has still to do."""
        if message.get("kind") == "stop" and self.run._execution is not None:
            self.run._execution.cancel()
        super().receive(message, buffers)

    def _ready(self, *_: Any) -> None:
        if self.run.running and not self._following:
            self._go_on()
        self._show()

    def _stop(self, *_: Any) -> None:
        if self.run._execution is not None:
            self.run._execution.cancel()
        self._tell_standing()

    def _resume(self, *_: Any) -> None:
        self.run._go_on()

    def _retry(self, *_: Any) -> None:
        self.run._retry()

    def _lay_out(self, message: dict[str, Any], _: Any) -> None:
        self._showing.lay_out(message.get("rows") or None, message.get("columns"))
        self._show()
        self.refresh()

    def _more(self, *_: Any) -> None:
        self._showing.more()
        self._show()

    def _mark(self, message: dict[str, Any], _: Any) -> None:
        self._marked = [int(id) for id in message["ids"]]

    def _thumbnails(self, message: dict[str, Any], _: Any) -> None:
        for view in self._views():
            self._source.send_thumbnails(view, message["shas"])

    def _open(self, message: dict[str, Any], _: Any) -> None:
        for view in self._views():
            self._source.send_picture(view, message["sha"], original=bool(message.get("original")))

    def _about(self, message: dict[str, Any], _: Any) -> None:
        (result,) = self._part([int(message["id"])])
        prompt = (result.sent or result.request).prompt
        self._tell("about", id=message["id"], prompt=prompt, details=details(result))

    def _differences(self, message: dict[str, Any], _: Any) -> None:
        a, b = (self._part([int(message[side])])[0] for side in ("a", "b"))
        self._tell("differences", a=message["a"], b=message["b"], rows=differences(a, b))
