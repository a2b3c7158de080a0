"""Progress of a run: one line in a notebook cell, a bar in a terminal."""

from __future__ import annotations

import html
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.experiments.execution import Execution
    from imagegen_kit.experiments.run import Run

POLL_S = 0.1


def in_notebook() -> bool:
    """Whether this is a kernel whose cells can show HTML."""
    shell = sys.modules.get("IPython")
    return bool(shell and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell")


def line(run: Run, execution: Execution) -> str:
    """Return "12 of 72 cells · 1 failed · $0.31"."""
    parts = [f"{run.name or 'run'}: {execution.done} of {execution.cells} cells", f"{execution.failed} failed"]
    cost = f"${execution.spent_usd:.2f}"
    parts.append(f"{cost} + {execution.unknown_costs} unknown" if execution.unknown_costs else cost)
    return " · ".join(parts)


def follow(run: Run, *, show: bool) -> None:
    """Wait for ``run``; ■ and Ctrl-C stop it, say how to go on, and are raised again."""
    execution = run._execution
    if execution is None:  # a replay: all is there already
        return
    display = _Nothing() if not show else _Cell() if in_notebook() else _Bar(execution)
    try:
        while not execution.wait(POLL_S):
            display.update(run, execution, execution.waiting)
        display.update(run, execution, "")
    except (KeyboardInterrupt, SystemExit):
        run.stop()
        display.update(run, execution, "stopped; run this again to go on")
        raise
    finally:
        display.close()


class _Nothing:
    def update(self, run: Run, execution: Execution, note: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to close."""


class _Cell(_Nothing):
    """One line that changes in place and stays as it was at the end."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = ""

    def update(self, run: Run, execution: Execution, note: str) -> None:
        """Change the line where it says something new."""
        from IPython.display import HTML, display

        text = line(run, execution) + (f" · {note}" if note else "")
        if text == self._last:
            return
        self._last = text
        shown = HTML(f"<div>{html.escape(text)}</div>")  # type: ignore[no-untyped-call]
        if self._handle is None:
            self._handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown)


class _Bar(_Nothing):
    """A tqdm bar over cells on standard error."""

    def __init__(self, execution: Execution) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(total=execution.cells, initial=execution.done, unit="cell", leave=True)

    def update(self, run: Run, execution: Execution, note: str) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(
            line(run, execution).split(" · ", 1)[1] + (f" · {note}" if note else ""), refresh=False
        )
        self._bar.update(execution.done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
