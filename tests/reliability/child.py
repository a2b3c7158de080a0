"""A user's program that tests run in a process of its own and kill: ``python -m tests.reliability.child '{…}'``.

The task is JSON: ``do`` is "experiment", "resume" or "ask"; the rest are its arguments (see the functions). What has
happened is written to the file ``log``, one line of JSON an event. ``die`` names a point in *our* code at which the
process kills itself, as SIGKILL from outside would strike it there: the product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import imagegen_kit as ik
from imagegen_kit.engine.job import Job
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import ImagegenError
from imagegen_kit.providers.job_api.provider import JobApiProvider
from imagegen_kit.store import journal
from imagegen_kit.types import Finished, Progress

TASK: dict[str, Any] = json.loads(sys.argv[1])
LOG = Path(TASK["log"])
_writing = threading.Lock()


def say(event: str, **what: Any) -> None:
    """Append one line to the log; ``at`` is on the clock that all processes of the machine share."""
    with _writing, LOG.open("a") as file:
        file.write(json.dumps({"event": event, "at": time.monotonic(), **what}) + "\n")


def die() -> None:
    """End as SIGKILL from outside ends a process: nothing is flushed, closed or said any more."""
    os.kill(os.getpid(), signal.SIGKILL)


def experiment() -> None:
    """Run an experiment over ``prompts`` with ``model`` and ``policy``."""
    exp = ik.Experiment(
        vary={"prompt": TASK["prompts"]},
        fixed={"model": TASK["model"]},
        name="killed",
        policy=ik.Policy(**TASK.get("policy", {})),
        budget_usd=TASK.get("budget_usd"),
    )
    run = exp.run(progress=False)
    say("run", status=run.table().status.tolist())


def resume() -> None:
    """Resume the last run ``times`` times."""
    for _ in range(TASK.get("times", 1)):
        run = ik.open_run("latest").resume()
        say("run", status=run.table().status.tolist())


def follow(prompt: str, policy: ik.Policy) -> Any:
    """Return what ``ik.generate`` returns, and say what it waits for."""
    answer: Any = None
    for event in ik.stream(ik.recipes.image, prompt=prompt, model=TASK["model"], policy=policy):
        if isinstance(event, Progress) and "another process" in event.text:
            say("waiting", prompt=prompt, words=event.text)
        if isinstance(event, Finished):
            answer = event.value
    if not answer.pictures:
        raise answer.failure()
    return answer


def ask() -> None:
    """Ask for each of ``prompts`` by itself, in ``threads`` threads, and say what became of it."""
    waiting = list(reversed(TASK["prompts"]))
    policy = ik.Policy(**TASK.get("policy", {}))

    def work() -> None:
        while waiting:
            prompt = waiting.pop()
            say("asking", prompt=prompt)
            try:
                answer = follow(prompt, policy)
            except ImagegenError as error:
                say("failed", prompt=prompt, error=type(error).__name__, words=str(error))
            else:
                result = answer.results[0]
                say("answered", prompt=prompt, status=result.status, sha256=answer.picture.sha256)

    threads = [threading.Thread(target=work) for _ in range(TASK.get("threads", 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


POINTS = {  # a statement that is about to be executed, in a transaction that is not yet committed
    "before the intent is written": re.compile("INSERT INTO attempts"),
    "after the reply, before its commit": re.compile("UPDATE attempts SET state = 'submitted'"),
    "after the row, before its cell's end": re.compile("INSERT INTO cell_ends"),
    "after the file, before its row": re.compile("UPDATE attempts SET state = 'stored'"),
}


def arm(point: str, nth: int) -> None:
    """Let the process die when it comes to ``point`` for the ``nth`` time (from 1)."""
    left = [nth]

    def die_in_time() -> None:
        left[0] -= 1
        if left[0] == 0:
            die()

    if point in POINTS:
        opened = journal.open_to_write

        def watched(*args: Any) -> sqlite3.Connection:
            connection = opened(*args)
            connection.set_trace_callback(lambda sql: die_in_time() if POINTS[point].match(sql) else None)
            return connection

        journal.open_to_write = watched
    elif point == "before submit":
        submit = JobApiProvider._submit

        async def about_to_submit(self: Any, *args: Any) -> Any:
            die_in_time()
            return await submit(self, *args)

        JobApiProvider._submit = about_to_submit  # type: ignore[method-assign]
    elif point == "before it is acknowledged":
        one = Job._one

        async def about_to_return(self: Any, *args: Any) -> Any:
            result = await one(self, *args)
            die_in_time()
            return result

        Job._one = about_to_return  # type: ignore[method-assign]
    else:
        raise ValueError(point)


if __name__ == "__main__":
    if "configure" in TASK:
        ik.configure(**TASK["configure"])
    if TASK.get("die"):
        arm(TASK["die"], TASK.get("nth", 1))
    if TASK.get("wait"):  # several children start at once when all of them are ready
        default_engine().registry.models()
        if TASK.get("warm"):  # the first call of a process takes long: it loads what it needs
            ik.generate(TASK["warm"], model=TASK["model"])
        say("ready")
        sys.stdin.readline()
    try:
        {"experiment": experiment, "resume": resume, "ask": ask}[TASK["do"]]()
    except KeyboardInterrupt:
        say("interrupted")
        raise
    say("ended")
