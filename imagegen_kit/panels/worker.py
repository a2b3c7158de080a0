"""One thread that does all that panels are asked, so that no handler blocks the kernel and nothing is done twice.

Measured with ipykernel 7.4: a handler may run in the main thread, in its loop, or in another thread, and an exception
in it is shown nowhere. So handlers only put their work here, and what goes wrong is told in the panel.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

UPDATES_PER_S = 10  # more is not seen by anybody, and each costs a message


class Worker:
    """A daemon thread that runs functions one after the other, at once or again and again until they return False."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._soon: deque[Callable[[], Any]] = deque()
        self._later: list[tuple[float, int, float, Callable[[], bool]]] = []
        self._count = itertools.count()
        threading.Thread(target=self._work, name="imagegen-panels", daemon=True).start()

    def submit(self, function: Callable[[], Any]) -> None:
        """Run ``function`` soon; it must not raise."""
        with self._wake:
            self._soon.append(function)
            self._wake.notify()

    def follow(self, function: Callable[[], bool], every_s: float = 1 / UPDATES_PER_S) -> None:
        """Run ``function`` every so many seconds, from now on, until it returns False; it must not raise."""
        with self._wake:
            heapq.heappush(self._later, (time.monotonic(), next(self._count), every_s, function))
            self._wake.notify()

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Block until all that was submitted before has run; return whether it has."""
        done = threading.Event()
        self.submit(done.set)
        return done.wait(timeout_s)

    def _work(self) -> None:
        while True:
            function, again = self._next()
            if function is not None:
                function()
            elif again is not None:
                _, _, every_s, ticked = again
                if ticked():
                    with self._wake:
                        due = time.monotonic() + every_s
                        heapq.heappush(self._later, (due, next(self._count), every_s, ticked))

    def _next(self) -> tuple[Callable[[], Any] | None, tuple[float, int, float, Callable[[], bool]] | None]:
        with self._wake:
            while True:
                if self._soon:
                    return self._soon.popleft(), None
                left = self._later[0][0] - time.monotonic() if self._later else None
                if left is not None and left <= 0:
                    return None, heapq.heappop(self._later)
                self._wake.wait(left)


_STARTING = threading.Lock()
_the_one = cache(Worker)


def worker() -> Worker:
    """Return the worker of this process, started at first use."""
    with _STARTING:  # two that come first together would start one each
        return _the_one()
