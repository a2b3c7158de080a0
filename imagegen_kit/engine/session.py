"""The engine that is used when none is named: one for the store in force, closed when Python ends."""

from __future__ import annotations

import atexit
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.settings import settings
from imagegen_kit.store import Store, find_store
from imagegen_kit.store.unbundle import close_bundles

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine

_lock = threading.Lock()
_current: Engine | None = None


def default_engine() -> Engine:
    """Return the engine of this session; it follows ``configure(store=…, remote=…)``, keeping its store otherwise."""
    global _current  # noqa: PLW0603  # one process has one default engine
    from imagegen_kit.engine.engine import Engine

    wanted, remote = settings().store, settings().remote
    with _lock:
        if _current is not None and wanted is not None and _current.store.path != wanted:
            _current.close()
            _current = None
        if _current is None:
            _current = Engine(Store(wanted or find_store()))
            _close_at_exit()
            _current_pid[0] = os.getpid()
        _current.store.connect(remote)
        return _current


def engine_for(engine: Any) -> Engine:
    """Return ``engine``, or for None the engine of this session. Raises InvalidInput for what cannot work as one."""
    if engine is None:
        return default_engine()
    from imagegen_kit.engine.engine import Engine

    if not isinstance(engine, Engine):
        hint = "Write engine=ik.RayEngine(), or leave it out."
        raise InvalidInput([Fault("engine", f"{engine!r:.80} is no engine.", hint)])
    if engine.closed:
        hint = "Make another one: exp.run(engine=…) goes on where it was."
        raise InvalidInput([Fault("engine", "it is closed.", hint)])
    return engine


_current_pid = [0]


def close_default_engine() -> None:
    """Finish what was sent, write everything and stop. The next call makes a new engine."""
    global _current  # noqa: PLW0603  # see default_engine
    with _lock:
        if _current is not None and _current_pid[0] == os.getpid():  # a forked child has no threads to stop
            _current.close()
            close_bundles()
        _current = None


@cache
def _close_at_exit() -> None:
    """Finish at the end of Python while threads still take work: ``atexit`` alone comes after that.

    Measured with Python 3.11: after Ctrl-C, calls under way could not hand their pictures to a thread any more.
    """
    atexit.register(close_default_engine)
    early = getattr(threading, "_register_atexit", None)  # what concurrent.futures itself uses; runs newest first
    if early is not None:
        early(close_default_engine)
