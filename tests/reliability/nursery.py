"""Processes that begin where ``child.py`` has imported what it needs: that takes longer than all that most of them do.

Each is a process of its own all the same: a copy of one that has imported and done nothing else, with no thread, file
or store of anybody's.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.reliability.loaded", __name__])


def _begin(task: str, folder: str, environment: dict[str, str], words: str, stdin: Connection) -> None:
    """Be ``python -m tests.reliability.child task`` to the end, at which a program waits for threads and tidies up."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    said = os.open(words, os.O_WRONLY | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdin = open(stdin.fileno(), closefd=False)  # noqa: SIM115  # open as long as the process
    sys.argv[:] = ["child", task]
    try:
        runpy.run_module("tests.reliability.child", run_name="__main__")
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does; a copy would leave it out
        atexit._run_exitfuncs()


class Born:
    """What ``subprocess.Popen`` is to a program, as far as ``Child`` asks for it."""

    def __init__(self, task: str, folder: Path, environment: dict[str, str], words: Path) -> None:
        stdin, go = _CONTEXT.Pipe(duplex=False)
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = str(ROOT)  # of the first, which imports for all
        try:
            arguments = (task, str(folder), environment, str(words), stdin)
            self._process = _CONTEXT.Process(target=_begin, args=arguments, daemon=True)
            self._process.start()
        finally:
            os.environ.pop("PYTHONPATH")
            if before is not None:
                os.environ["PYTHONPATH"] = before
        stdin.close()
        self.pid: int = self._process.pid or 0
        self.stdin: IO[bytes] | None = os.fdopen(os.dup(go.fileno()), "wb")
        go.close()

    def poll(self) -> int | None:
        """Return its exit code; None where it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Return its exit code at its end. Raises TimeoutExpired."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("child", seconds or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)
