"""How a run stands, in one line: how far, what failed, what it has cost, how long it will take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from imagegen_kit.views.words import SIMULATION, count, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.panels.compare.news import News


class Standing:
    """Reads ``news``; ``begin`` is called where the run begins or goes on, so that the time left can be told."""

    def __init__(self, run: Run, news: News) -> None:
        self._run, self._news = run, news
        self.begin()

    def begin(self) -> None:
        """Count time and cells from now on."""
        self._began, self._done_before = time.monotonic(), -1

    def told(self, *, stopped: bool) -> dict[str, Any]:
        """Return the line, and what may be done with the run now."""
        news, run = self._news, self._run
        done, running = len(news.ended), run.running
        if self._done_before < 0:
            self._done_before = done
        may_change = run._only is None and not running
        incomplete = may_change and (done < run.cells or news.failed > 0)
        sealed = run._sealed is not None
        return {
            "line": self._line(done, running, stopped), "running": running, "done": done, "cells": run.cells,
            "failed": news.failed, "resume": may_change and done < run.cells and not sealed,
            "retry": may_change and news.failed > 0 and not sealed,
            "why": f"opened from {run._sealed}: nothing is added to it" if sealed and incomplete else "",
        }  # fmt: skip

    def _line(self, done: int, running: bool, stopped: bool) -> str:
        news, run = self._news, self._run
        if run._only is not None:
            parts = [f"{count(news.results, 'result')} selected"]
        else:
            parts = [count(done, "cell") if done == run.cells else f"{done:,} of {count(run.cells, 'cell')}"]
            parts += [f"{news.failed:,} failed"] if news.failed else []
        if news.results:
            cached = news.by_status["cached"]
            parts += [f"{cached:,} cached"] if cached else []
            parts.append(usd_sum(news.known_usd, news.unknown_costs))
        if running:
            parts += [self._left(done), run._execution.waiting if run._execution is not None else ""]
        elif run._only is None and done < run.cells:
            parts.append("stopped" if stopped else "not complete")
        if news.simulated:
            parts.append(SIMULATION)
        return ", ".join(part for part in parts if part)

    def _left(self, done: int) -> str:
        gone, ended = time.monotonic() - self._began, done - self._done_before
        if ended < 1 or gone < 1:
            return ""
        left = (self._run.cells - done) * gone / ended
        return f"~{max(1, round(left))} s left" if left < 100 else f"~{left / 60:.0f} min left"
