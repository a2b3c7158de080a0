"""Commits: what the journal costs a paid call, in CPU and in durable commits, with and without 10,000 older calls.

A paid call here has all that can be asked of one transaction: a key whose limit is counted, budgets for the run, the
session, the day and the key, and a look whether another process buys the same.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Figure, Outcome, column, fresh, interleaved
from benchmarks.pictures import Source, register_stored, stored
from benchmarks.threads import cpu_by_thread

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from imagegen_kit.store import Journal

LATENCY_S, AT_ONCE = 0.01, 32
CPU_MS, SYNCHRONOUS, JOB = 0.5, 2, 3
GROWN = 1.25  # with a full ledger, of what an empty one costs; a sum over the ledger would be many times as much
PRICE_USD = 0.04
BUDGETS = {"IMAGEGEN_BUDGET_USD": "5000", "IMAGEGEN_BUDGET_USD_PER_DAY": "9000",
           "IMAGEGEN_BUDGET_USD_PER_ACCOUNT": "9000"}  # fmt: skip


class _Commits:
    """Counts the transactions of a connection that wrote something: each of them is one flush of the disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.found, self._connection, self._before = 0, connection, connection.total_changes

    def __call__(self, statement: str) -> None:
        """Look at one statement; SQLite calls this before it runs."""
        if statement == "COMMIT":
            changes = self._connection.total_changes
            self.found, self._before = self.found + (changes > self._before), changes


@contextmanager
def _timed(journal: Journal, spent: list[float]) -> Iterator[None]:
    """Add up the CPU seconds that callers of the journal's three doors are held up for."""
    doors = ("write", "transact", "append")

    def timed(door: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            start = time.thread_time()
            try:
                return door(*args)
            finally:
                spent.append(time.thread_time() - start)

        return call

    for name in doors:
        setattr(journal, name, timed(getattr(journal, name)))
    yield
    for name in doors:
        delattr(journal, name)


def fill(journal: Journal, session: str, rows: int) -> None:
    """Put ``rows`` settled calls of today into the ledger, of the same session and key as those that follow."""
    from imagegen_kit.engine.policy import SystemClock, day_of, timestamp
    from imagegen_kit.engine.rows import INSERT_ATTEMPT

    ((key_id,),) = journal.read("SELECT key_id FROM attempts LIMIT 1")
    now, model = SystemClock().now(), "bench/still-0"
    statements: list[tuple[str, Any]] = []
    for number in range(rows):
        id = journal.new_id()
        values = (id, 0, 1, "stored", model, "default", "simulated:bench", f"older {number}", None, PRICE_USD)
        statements.append((INSERT_ATTEMPT, (*values, timestamp(now), key_id)))
        entry = (id, 0, session, "default", model, day_of(now), PRICE_USD, PRICE_USD, key_id)
        statements.append(("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, 'settled', ?, ?, ?)", entry))
    journal.write(statements).result()
    closed = "UPDATE attempts SET finished_at = started_at WHERE finished_at IS NULL AND state = 'stored'"
    journal.write([(closed, ())]).result()


def arm(calls: int, concurrency: int, older: int = 0, jobs: bool = False, counted: bool = False) -> dict[str, Any]:
    """Make ``calls`` paid calls in this process; ``counted`` counts their commits, which spoils the CPU's figure."""
    files = stored("tiny")
    os.environ.update(BUDGETS)
    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine

    source = Source(files)
    model = register_stored(source, LATENCY_S, price_usd=PRICE_USD, keyed=True, jobs=jobs)[0]
    policy = ik.Policy(concurrency=concurrency)
    engine = default_engine()
    journal = engine.store.journal

    def experiment(name: str, count: int) -> Any:
        vary = {"prompt": [f"{name} {number}" for number in range(count)], "model": [model]}
        return ik.Experiment(vary=vary, policy=policy, budget_usd=4000.0)

    experiment("warm", 50).run(progress=False)
    if older:
        fill(journal, engine.session, older)
    measured, spent = experiment("measured", calls), list[float]()
    commits: list[_Commits] = []

    def watch(connection: sqlite3.Connection) -> None:
        commits.append(_Commits(connection))
        connection.set_trace_callback(commits[0])

    if counted:
        journal.transact(watch).result()
    before = cpu_by_thread()["journal"]
    if counted:
        measured.run(progress=False)
    else:
        with _timed(journal, spent):
            measured.run(progress=False)
    thread = cpu_by_thread()["journal"] - before
    if counted:
        journal.transact(lambda connection: connection.set_trace_callback(None)).result()
    states = dict(journal.read("SELECT state, COUNT(*) FROM ledger GROUP BY state"))
    assert states == {"settled": older + calls + 50}, states
    ((total,),) = journal.read("SELECT usd FROM spending WHERE scope = 'session ' || ?", (engine.session,))
    assert abs(total - PRICE_USD * (older + calls + 50)) < 1e-6, total
    limits = journal.read("SELECT COUNT(*) FROM limits WHERE recent > 0")
    assert limits == [(1,)], limits
    close_default_engine()
    per = 1e3 / calls
    found = {"thread": thread * per, "doors": sum(spent) * per, "cpu": (thread + sum(spent)) * per}
    return {**found, "commits": commits[0].found / calls if counted else 0.0}


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure CPU one by one and 32 at once, and count commits of synchronous and of job calls."""
    out = Outcome()
    stored("tiny")
    calls, few, older, runs = (300, 60, 1_000, 1) if quick else (2_000, 300, 10_000, 3)
    found = interleaved(
        {
            "empty": lambda: fresh(arm, calls=calls, concurrency=AT_ONCE),
            "full": lambda: fresh(arm, calls=calls, concurrency=AT_ONCE, older=older),
            "alone": lambda: fresh(arm, calls=few, concurrency=1, older=older),
        },
        runs,
    )
    told = {
        "empty": f"{AT_ONCE} at once, empty ledger", "full": f"{AT_ONCE} at once, {older} rows in the ledger",
        "alone": f"one by one, {older} rows in the ledger",
    }  # fmt: skip
    for name, words in told.items():
        target = CPU_MS if name == "full" else None
        out.figures.append(Figure(f"{words}: journal's CPU a paid call", "ms", column(found[name], "cpu"), target))
        out.figures.append(Figure(f"{words}: of that, its callers'", "ms", column(found[name], "doors")))
    grown = [a / b for a, b in zip(column(found["full"], "cpu"), column(found["empty"], "cpu"), strict=True)]
    out.figures.append(Figure(f"CPU with {older} rows / with none", "x", grown, GROWN))
    for jobs, kind, most in ((False, "synchronous", SYNCHRONOUS), (True, "job", JOB)):
        for concurrency, count in ((1, few), (AT_ONCE, calls)):
            counts = column([fresh(arm, calls=count, concurrency=concurrency, jobs=jobs, counted=True)], "commits")
            words = "one by one" if concurrency == 1 else f"{concurrency} at once"
            # A run's own beginning and end, and the session's lease, are a handful over all calls together.
            target = most + 5 / count if concurrency == 1 else most
            out.figures.append(Figure(f"{words}: durable commits a {kind} call", "", counts, round(target, 2)))
    return out
