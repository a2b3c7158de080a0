"""A run while it executes: started on the engine's loop, counted, stopped."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from imagegen_kit.types import Completed, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from imagegen_kit.engine.cells import Cell, RunUnderWay
    from imagegen_kit.engine.engine import Engine

_live: dict[tuple[int, int], Execution] = {}


class Execution:
    """Counts the cells of a run under way; ``done`` and ``failed`` count those of earlier executions too."""

    def __init__(self, under_way: RunUnderWay, cells: int, done: int, failed: int) -> None:
        self._under_way = under_way
        self.cells, self.done, self.failed = cells, done, failed
        self.spent_usd, self.unknown_costs = 0.0, 0
        self._waits: dict[str, tuple[float, str]] = {}  # by model: until when, and why
        self._future: Future[None] | None = None
        self._lock = threading.Lock()
        under_way.on_event = self._count
        under_way.on_cell = self._cell_ended
        self._key = (id(under_way.engine), under_way.number)

    @classmethod
    def live(cls, engine: Engine, number: int) -> Execution | None:
        """Return the execution of a run that is under way in this process, or None."""
        execution = _live.get((id(engine), number))
        return execution if execution is not None and execution.running else None

    def start(self, cells: Iterable[Cell], release: Callable[[], None]) -> None:
        """Start on the engine's loop; ``release`` is called when all has ended."""
        _live[self._key] = self
        self._future = self._under_way.engine.background.submit(self._under_way.all(cells))
        self._future.add_done_callback(lambda _: _live.pop(self._key, None))
        self._future.add_done_callback(lambda _: release())

    @property
    def running(self) -> bool:
        """Whether cells are still being worked on."""
        return self._future is not None and not self._future.done()

    @property
    def waiting(self) -> str:
        """What is being waited for, in words; empty where nothing is."""
        now = time.monotonic()
        with self._lock:
            left = {model: (until - now, reason) for model, (until, reason) in self._waits.items() if until > now}
        return "; ".join(
            f"{model} waits {seconds:.0f} s" + (f" ({reason})" if reason else "")
            for model, (seconds, reason) in left.items()
        )

    def _count(self, event: Any) -> None:
        if isinstance(event, Waiting):
            with self._lock:
                self._waits[event.model] = (time.monotonic() + event.seconds, event.reason)
        if isinstance(event, Completed):
            with self._lock:
                if event.result.cost.usd is None:
                    self.unknown_costs += 1
                else:
                    self.spent_usd += event.result.cost.usd

    def _cell_ended(self, _cell: Cell, status: str) -> None:
        with self._lock:
            self.done += 1
            self.failed += status == "failed"

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all cells have ended; return whether they have (False: the timeout came first).

        Raises what went wrong with the run itself (a journal that cannot be written).
        """
        if self._future is None:
            return True
        try:
            self._future.result(timeout)
        except TimeoutError:
            return False
        except (CancelledError, asyncio.CancelledError):
            return True
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return True

    def cancel(self) -> bool:
        """Cancel what was not sent yet and return at once, whether there was anything; ``stop`` waits until it is."""
        return self._future is not None and self._future.cancel()

    def stop(self) -> None:
        """Cancel what was not sent yet and return when that is done; what was sent goes on in the background."""
        if not self.cancel():
            return
        engine = self._under_way.engine
        engine.background.submit(_settle()).result(timeout=10)
        engine.store.journal.flush().result()


async def _settle() -> None:
    for _ in range(5):  # the cancelled cells need a few turns of the loop to leave
        await asyncio.sleep(0)
