"""Programs in processes of their own: started, watched, killed, and what they left in the journal."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from imagegen_kit import settings
from imagegen_kit.engine import session
from imagegen_kit.registry import reset_registry
from tests.reliability.nursery import Born

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for ``condition``; fail with ``what`` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{seconds:g} s were not enough for: {what}"
        time.sleep(0.005)


class Lateness:
    """How late a machine that has much to do wakes those up who sleep: ``seconds``, the worst while it was entered."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="lateness")

    def _measure(self) -> None:
        while not self._left.is_set():
            began = time.monotonic()
            time.sleep(0.005)
            self.seconds = max(self.seconds, time.monotonic() - began - 0.005)

    def __enter__(self) -> Lateness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()


class Child:
    """``child.py`` with one task, working in ``folder`` with the store ``folder/store``.

    ``fresh`` starts an interpreter for it: where a signal ends it as the shell sees it, or what it loads matters.
    """

    started: list[Child] = []

    def __init__(
        self, folder: Path, environment: Mapping[str, str], name: str = "child", fresh: bool = False, **task: Any
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.log, self._words = name, folder / f"{name}.log", folder / f"{name}.txt"
        self.log.touch()
        clean = {n: v for n, v in os.environ.items() if not n.startswith("IMAGEGEN_")}
        words = json.dumps({"log": str(self.log), **task})
        whole = {**clean, "PYTHONPATH": str(ROOT), "IMAGEGEN_STORE": str(folder / "store"), **environment}
        self._words.touch()
        self.process: subprocess.Popen[bytes] | Born
        if fresh:
            with self._words.open("wb") as said:
                command = [sys.executable, "-m", "tests.reliability.child", words]
                self.process = subprocess.Popen(
                    command, cwd=folder, env=whole, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT
                )
        else:
            self.process = Born(words, folder, whole, self._words)
        Child.started.append(self)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def words(self) -> str:
        """All that it printed."""
        return self._words.read_text(errors="replace")

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return what it said, or those events alone. A line that a kill cut off was not said."""
        lines = self.log.read_text().splitlines(keepends=True)
        said = [json.loads(line) for line in lines if line.endswith("\n")]
        return [one for one in said if event in (None, one["event"])]

    def until(self, event: str, count: int = 1) -> Child:
        """Wait until it has said so; fail where it ended before."""
        until(lambda: len(self.events(event)) >= count or self.process.poll() is not None, f"{self.name}: {event}")
        assert len(self.events(event)) >= count, f"{self.name} ended ({self.process.poll()}):\n{self.words}"
        return self

    def go(self) -> Child:
        """Let it begin, where its task says ``wait``."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        return self

    def signal(self, number: int) -> Child:
        """Send it a signal."""
        self.process.send_signal(number)
        return self

    def kill(self) -> int:
        """Kill it and return its exit code."""
        self.process.kill()
        return self.end()

    def end(self, seconds: float = PATIENCE_S) -> int:
        """Wait for its end and return its exit code; one that does not end is killed, and the test fails."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not end within {seconds:g} s:\n{self.words}")
        finally:
            if self.process.stdin is not None:
                self.process.stdin.close()

    def well(self) -> Child:
        """Wait for its end; fail where it did not end as a program should."""
        code = self.end()
        assert code == 0, f"{self.name} ended with {code}:\n{self.words}"
        return self

    def killed(self) -> Child:
        """Wait for the end of one that is to be killed by itself or by the service."""
        code = self.end()
        assert code == -signal.SIGKILL, f"{self.name} ended with {code} instead of being killed:\n{self.words}"
        return self


def end_all() -> None:
    """Kill whatever a failed test has left running."""
    while Child.started:
        child = Child.started.pop()
        if child.process.poll() is None:
            child.process.kill()
        child.process.wait()
        if child.process.stdin is not None:
            child.process.stdin.close()


@contextmanager
def same_place(store: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process use the children's store and services: it is the other process that goes on."""
    before = {name: os.environ.get(name) for name in environment}
    session.close_default_engine()
    os.environ.update(environment)
    settings.reset()
    reset_registry()
    settings.configure(store=store)
    try:
        yield
    finally:
        session.close_default_engine()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.reset()
        reset_registry()


def rows(store: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Read the journal as it lies on the disk, whoever else has it open."""
    with closing(sqlite3.connect(store / "journal.sqlite", timeout=30)) as connection:
        return connection.execute(sql, values).fetchall()


def attempts(store: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Return state and job id of every attempt by the prompt that it was for."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    sql = "SELECT r.asked, a.state, a.job_id FROM attempts a JOIN requests r ON r.id = a.request ORDER BY a.id"
    for asked, state, job_id in rows(store, sql):
        found.setdefault(json.loads(asked)["prompt"], []).append((state, job_id))
    return found


def ledger(store: Path) -> dict[str, float]:
    """Return USD by state: what is settled was spent, what is reserved or unknown may have been."""
    sql = "SELECT state, SUM(CASE state WHEN 'settled' THEN spent_usd ELSE reserved_usd END) FROM ledger GROUP BY 1"
    return dict(rows(store, sql))
