"""Programs that begin where an interpreter has imported what most of them come to: that takes longer than they do.

Each is a process of its own all the same: a copy of one that has imported and done nothing else, with a folder, an
environment and a ``__main__`` of its own, and it ends as an interpreter does. Run as a file it is that interpreter.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """What became of a program."""

    returncode: int
    stdout: str
    stderr: str


class Warm:
    """An interpreter in which every warning is an error, and which has imported ``modules``; ``close()`` ends it."""

    def __init__(self, folder: Path, modules: list[str]) -> None:
        self._folder = folder
        command = [sys.executable, "-W", "error", __file__, *modules]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, code: str, folder: Path) -> Ended:
        """Run ``code`` in ``folder`` as ``python -W error -c`` would, with the environment of now."""
        out, err = self._folder / "out", self._folder / "err"
        given = {"code": code, "folder": str(folder), "environment": dict(os.environ), "out": str(out), "err": str(err)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(given).encode() + b"\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return Ended(os.waitstatus_to_exitcode(status), out.read_text("utf-8"), err.read_text("utf-8"))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def _become(given: dict[str, Any]) -> None:
    """Be the program, to its end."""
    os.environ.clear()
    os.environ.update(given["environment"])
    os.chdir(given["folder"])
    opened = [os.open(os.devnull, os.O_RDONLY)]
    opened += [os.open(given[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for name in ("out", "err")]
    for number, one in enumerate(opened):
        os.dup2(one, number)
        os.close(one)
    sys.argv[:], sys.path[0] = ["-c"], ""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(given["code"], "<string>", "exec"), vars(main))  # a page of ours


def _serve() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin.buffer:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            _become(json.loads(line))
            return  # to where every interpreter waits for its threads and tidies up
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    _serve()
