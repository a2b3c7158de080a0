"""A script that changes a library in processes that are killed at every kind of step, and says what was left.

``python -m tests.retrieval.killing FOLDER KILLS``. Everything is imported once; each attempt is a fork that kills
itself with SIGKILL at one of its steps: a file that is opened to be written, a rename, a deletion, a connection to the
database, or, in between, a statement that commits. It prints one JSON object for each kill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagegen_kit.retrieval.library import Library, adding
from tests.retrieval.colours import Colours

adding.BATCH = 8  # so that a few pictures make several batches
FIRST, SECOND = range(20), range(20, 44)
WATCHED = ("open", "os.rename", "os.remove", "sqlite3.connect", "os.mkdir")


def name(number: int) -> str:
    return f"p{number:02}"


def change(folder: Path, say: Callable[[str], None]) -> None:
    """Add with copies, add again with words, remove so many that all is rewritten, update, write the exchange file."""
    library = Library.open(folder / "refs", embedder=Colours())
    given = [folder / f"{name(n)}.png" for n in SECOND]
    library.add(given, copy=True, caption="new", progress=lambda done, of: say(f"added {done}"))
    library.add(given[:4], caption="newer")
    say("reworded")
    library.remove(*(name(n) for n in range(12)))
    say("removed")
    library.update(name(15), caption="changed", id="renamed")
    say("updated")
    library.to_jsonl()
    library.compact()
    say("done")


def prepare(folder: Path) -> None:
    rng = np.random.default_rng(5)
    for number in (*FIRST, *SECOND):
        Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).save(folder / f"{name(number)}.png")
    Library.open(folder / "refs", embedder=Colours()).add([folder / f"{name(n)}.png" for n in FIRST], caption="old")


def forked(task: Callable[[int], None]) -> tuple[int, list[str]]:
    """Run ``task(descriptor)`` in a fork; return how it ended (negative: the signal) and the lines it wrote."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        code = 1
        try:
            task(into)
            code = 0
        except BaseException as error:
            os.write(into, f"failed {type(error).__name__}: {error}\n".replace("\n", " ").encode() + b"\n")
        os._exit(code)
    os.close(into)
    with os.fdopen(out) as lines:
        said = lines.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def attempt(folder: Path, kill_at: int | None) -> tuple[int, list[str], list[str]]:
    """Run ``change``; return how it ended, what it acknowledged, and, where nothing was killed, the steps it took."""

    def task(into: int) -> None:
        steps = 0

        def step(what: str) -> None:
            nonlocal steps
            if steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            steps += 1
            if kill_at is None:
                os.write(into, f"step {what}\n".encode())

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in WATCHED and str(folder / "refs") in str(arguments[0]):
                if event == "open" and not (arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                    return
                step(f"{event} {Path(str(arguments[0])).name}")

        class Told(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if sql.startswith(("COMMIT", "BEGIN", "INSERT", "UPDATE", "DELETE")):
                    step(sql.split("(", maxsplit=1)[0][:30])
                return super().execute(sql, *values)

        real = sqlite3.connect
        sqlite3.connect = lambda *args, **given: real(*args, **given, factory=Told)  # type: ignore[assignment]
        sys.addaudithook(hook)
        change(folder, lambda line: os.write(into, f"said {line}\n".encode()) and None)

    code, lines = forked(task)
    said = [line.removeprefix("said ") for line in lines if line.startswith(("said ", "failed "))]
    return code, said, [line.removeprefix("step ") for line in lines if line.startswith("step ")]


def look(folder: Path, into: int) -> None:
    """Open what was left, look it over, repair it, and do the whole change again."""
    library = Library.open(folder / "refs", embedder=Colours())
    ids = [item.id for item in library.items(library.numbers())]
    captions = {item.id: item.caption for item in library.items(library.numbers())}
    found = library.verify()
    searched = len(library.vectors)
    repaired = library.verify(repair=True)
    left = library.verify()
    parts = [path.name for path in (folder / "refs").rglob("*") if ".part" in path.name or "writing-" in path.name]
    told = {
        "ids": ids, "captions": captions, "found": [f"{f.kind}: {f.where}: {f.what}" for f in found.findings],
        "searched": searched, "repaired": repaired.ok, "left": [f.kind for f in left.findings], "parts": parts,
    }  # fmt: skip
    os.write(into, json.dumps(told).encode() + b"\n")


def again(folder: Path, into: int) -> None:
    library = Library.open(folder / "refs", embedder=Colours())
    library.add([folder / f"{name(n)}.png" for n in SECOND], copy=True)
    os.write(into, json.dumps([len(library), library.verify().ok]).encode() + b"\n")


def main(folder: Path, kills: int) -> None:
    forked(lambda _: prepare(folder))
    shutil.copytree(folder, folder.with_name("whole"))
    code, said, steps = attempt(folder.with_name("whole"), None)
    assert (code, said[-1]) == (0, "done"), said
    print(json.dumps({"steps": steps}), flush=True)
    for kill in range(kills):
        at = kill * len(steps) // kills
        place = folder.with_name(f"kill-{at}")
        shutil.copytree(folder, place)
        code, said, _ = attempt(place, at)
        ended, lines = forked(lambda into, place=place: look(place, into))  # type: ignore[misc]
        after, more = forked(lambda into, place=place: again(place, into))  # type: ignore[misc]
        told = json.loads(lines[0]) if ended == 0 else {"failed": lines}
        print(
            json.dumps(
                {
                    "at": at,
                    "step": steps[at],
                    "code": code,
                    "said": said,
                    "opened": ended,
                    "again": [after, *more],
                    **told,
                }
            ),
            flush=True,
        )
        shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
