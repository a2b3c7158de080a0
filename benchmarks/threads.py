"""Where the engine's CPU goes: by thread, and by function inside the loop's and the journal's thread."""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.engine.engine import Engine

GROUPS = {
    "imagegen-engine": "loop",
    "imagegen-journal": "journal",
    "imagegen-picture": "pictures",
    "MainThread": "main",
}


def cpu_by_thread() -> dict[str, float]:
    """Return the CPU seconds of this process's living Python threads so far, by what they do."""
    found = dict.fromkeys(GROUPS.values(), 0.0)
    if not hasattr(time, "pthread_getcpuclockid"):
        return found
    for thread in threading.enumerate():
        group = next((what for name, what in GROUPS.items() if thread.name.startswith(name)), None)
        if group is not None and thread.ident is not None:
            found[group] += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return found


@contextmanager
def profiled(engine: Engine, lines: int = 30) -> Iterator[dict[str, str]]:
    """Profile the engine's loop and journal threads; afterwards the dict holds one printed table each.

    The clock is the thread's CPU: by the wall, whatever lets other threads in would seem to cost what they do. cProfile
    roughly doubles the cost of small functions: read the order and the shares, not the seconds.
    """
    tables: dict[str, str] = {}
    profiles: dict[str, Any] = {name: cProfile.Profile(time.thread_time) for name in ("loop", "journal")}

    async def switch(on: bool) -> None:
        (profiles["loop"].enable if on else profiles["loop"].disable)()

    def switch_journal(on: bool) -> None:
        engine.store.journal.transact(
            lambda _: (profiles["journal"].enable if on else profiles["journal"].disable)()
        ).result()

    engine.wait(switch(True))
    switch_journal(True)
    yield tables
    engine.wait(switch(False))
    switch_journal(False)
    for name, profile in profiles.items():
        out = io.StringIO()
        pstats.Stats(profile, stream=out).strip_dirs().sort_stats("tottime").print_stats(lines)
        tables[name] = out.getvalue()
