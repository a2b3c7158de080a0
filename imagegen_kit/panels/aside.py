"""What takes long, beside the worker: a thread of a panel's own, there only while it has something to do."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from imagegen_kit.panels.panel import Panel
from imagegen_kit.panels.worker import worker

if TYPE_CHECKING:
    from collections.abc import Callable


class Aside:
    """Runs functions one after the other in a thread that ends when none is left; they must not raise."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._change = threading.Condition()
        self._jobs: deque[tuple[str, Callable[[], Any]]] = deque()
        self._busy = False

    def submit(self, function: Callable[[], Any], slot: str = "") -> None:
        """Run ``function`` soon. What still waits in the same ``slot`` is dropped for it: only the latest counts."""
        with self._change:
            if slot:
                self._jobs = deque(job for job in self._jobs if job[0] != slot)
            self._jobs.append((slot, function))
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._work, name=self._name, daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether something is done or still to be done."""
        return self._busy

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Block until nothing is left to do; return whether that came in time."""
        with self._change:
            return self._change.wait_for(lambda: not self._busy, timeout_s)

    def _work(self) -> None:
        while True:
            with self._change:
                if not self._jobs:
                    self._busy = False
                    self._change.notify_all()
                    return
                _, function = self._jobs.popleft()
            function()


class AsidePanel(Panel):
    """A panel that has threads of its own, by name, for what would keep other panels waiting."""

    threads: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._asides = {name: Aside(f"imagegen-{name}") for name in self.threads}

    def _apart(
        self, thread: str, doing: str, compute: Callable[[], Any], apply: Callable[[Any], Any], slot: str = ""
    ) -> None:
        """Compute in a thread of the panel's own, without its lock, and apply what comes of it on the worker."""

        def job() -> None:
            try:
                found = compute()
            except Exception as error:  # told in the panel
                failed = error
                worker().submit(lambda: self._failed(doing, failed))
                return
            worker().submit(lambda: self.guard(doing, apply, found))

        self._asides[thread].submit(job, slot)

    def _failed(self, doing: str, error: Exception) -> None:
        """Tell what went wrong apart; a subclass may have more to do."""
        self.fail(doing, error)

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Block until all that was asked of the panel is done and shown; return whether that came in time."""
        for _ in range(3):  # what an answer brings about is waited for as well
            for thread in self._asides.values():
                if not (worker().wait_idle(timeout_s) and thread.wait_idle(timeout_s)):
                    return False
        return worker().wait_idle(timeout_s)
