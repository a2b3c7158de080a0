"""The journal: what is acknowledged is on disk, whoever else writes and whatever else fails."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from imagegen_kit.errors import StoreError
from imagegen_kit.store.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
INSERT = "INSERT INTO events (name, created_at) VALUES (?, 'now')"


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "store" / "journal.sqlite")
    yield journal
    journal.close()


def names(journal):
    return [name for (name,) in journal.read("SELECT name FROM events ORDER BY id")]


def writer(path, name, count):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path), name, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_what_is_written_can_be_read_when_the_future_is_done(journal):
    journal.write([(INSERT, ("a",)), (INSERT, ("b",))]).result()
    assert names(journal) == ["a", "b"]


def test_flush_returns_when_all_that_was_appended_is_there(journal):
    for number in range(2000):
        journal.append([(INSERT, (str(number),))])
    journal.flush().result()
    assert names(journal) == [str(n) for n in range(2000)]


def test_calls_that_wait_together_share_a_transaction(journal):
    commits = []
    journal._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    release = threading.Event()
    journal.transact(lambda c: release.wait(60))
    futures = [journal.write([(INSERT, (str(n),))]) for n in range(400)]
    release.set()
    wait(futures)
    assert len(names(journal)) == 400
    assert len(commits) <= 3


def test_rows_that_nobody_waits_for_share_the_flush_of_the_next_that_somebody_does(journal):
    commits = []
    journal._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    for number in range(20):
        journal.append([(INSERT, (f"end of {number}",))])
        time.sleep(0.005)  # by now it would have been written alone
        journal.write([(INSERT, (f"begin of {number + 1}",))]).result(60)
    journal._connection.set_trace_callback(None)
    assert len(names(journal)) == 40
    assert len(commits) < 30  # a busy machine may part some; alone they are 40


def test_rows_that_nobody_waits_for_are_written_soon_all_the_same(journal):
    journal.append([(INSERT, ("alone",))])
    deadline = time.monotonic() + 60
    while not names(journal) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert names(journal) == ["alone"]


def test_one_bad_write_does_not_take_its_neighbours_with_it(journal):
    release = threading.Event()
    journal.transact(lambda c: release.wait(60))
    good = [journal.write([(INSERT, ("before",))])]
    bad = [
        journal.write([(INSERT, ("half",)), ("INSERT INTO nowhere VALUES (1)", ())]),
        journal.transact(lambda c: 1 / 0),
        journal.write([("INSERT INTO events (id, name, created_at) VALUES (?, ?, ?)", ("x", None, None))]),
    ]
    good.append(journal.write([(INSERT, ("after",))]))
    release.set()
    wait([*good, *bad])
    assert names(journal) == ["before", "after"]
    assert [type(f.exception()) for f in bad] == [StoreError, ZeroDivisionError, StoreError]
    journal.write([(INSERT, ("later",))]).result()
    assert names(journal)[-1] == "later"


def test_a_write_that_nobody_waited_for_is_told_at_the_next_flush(journal):
    journal.append([("INSERT INTO nowhere VALUES (1)", ())])
    with pytest.raises(StoreError, match="could not be written"):
        journal.flush().result()
    journal.flush().result()  # told once


def test_a_caller_that_leaves_does_not_stop_the_writer(journal):
    release = threading.Event()
    running = journal.transact(lambda c: release.wait(60))
    left = journal.write([(INSERT, ("left",))])
    assert left.cancel()
    release.set()
    assert running.result() is True
    assert not running.cancel()
    journal.write([(INSERT, ("next",))]).result(timeout=60)
    assert names(journal) == ["next"]


def test_a_transaction_returns_what_its_function_returned_committed(journal):
    assert journal.transact(lambda c: c.execute("SELECT 6 * 7").fetchone()[0]).result() == 42


def test_a_closed_journal_opens_anew_for_whoever_uses_it_again(journal):
    journal.write([(INSERT, ("a",))]).result()
    assert names(journal) == ["a"]
    journal.close()
    journal.flush().result(timeout=60)
    assert names(journal) == ["a"]
    journal.write([(INSERT, ("b",))]).result(timeout=60)
    assert names(journal) == ["a", "b"]


def test_row_ids_are_never_given_twice(journal, tmp_path):
    second = Journal(journal.path)
    taken = [j.new_id() for j in (journal, second) for _ in range(10_001)]
    second.close()
    assert len(set(taken)) == len(taken)


def test_every_thread_reads_through_a_connection_that_cannot_write(journal):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        journal.reader().execute(INSERT, ("x",))
    with pytest.raises(StoreError, match="could not be read"):
        journal.read("SELECT * FROM nowhere")


def test_two_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "journal.sqlite"
    writers = [writer(path, name, 120) for name in ("a", "b", "c")]
    said = [line for w in writers for line in w.communicate(timeout=60)[0].split()]
    assert [w.returncode for w in writers] == [0, 0, 0]
    journal = Journal(path)
    assert sorted(names(journal)) == sorted(said)
    assert len(said) == 360
    assert journal.read("PRAGMA integrity_check") == [("ok",)]
    journal.close()


def test_a_journal_of_another_version_is_refused_with_what_to_do_and_left_as_it_is(tmp_path):
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("INSERT INTO meta VALUES ('schema', '99')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"version 99.*configure\(store="):
        Journal(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("meta",)]
    connection.close()


def test_what_is_no_journal_is_refused(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"could not be opened: the file is damaged.*doctor"):
        Journal(tmp_path / "journal.sqlite")


def test_a_place_that_cannot_be_written_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"configure\(store="):
        Journal(tmp_path / "file" / "journal.sqlite")


def test_a_read_only_folder_is_refused_with_what_to_do(open_path):
    """Root may write everywhere, so the folder is opened by a process that is nobody."""
    locked = open_path / "locked"
    locked.mkdir(mode=0o555)
    code = (
        "import os, sys\n"
        "from imagegen_kit.store.journal import Journal\n"
        "from imagegen_kit.errors import StoreError\n"
        "from pathlib import Path\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: Journal(Path(sys.argv[1]))\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(locked / "journal.sqlite")], capture_output=True, text=True, check=False
    )
    assert "configure(store=" in done.stdout, done.stderr


def test_votes_of_the_fourth_version_were_blind(tmp_path):
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as old:
        old.execute("UPDATE meta SET value = '4' WHERE name = 'schema'")
        for table, name in (("votes", "blind"), ("scores", "feature"), ("scores", "details")):
            old.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        old.execute("INSERT INTO votes VALUES (1, 1, 'me', 'model 1 2', 1, 2, 'left', 5, 'now', NULL)")
    old.close()
    journal = Journal(path)
    assert journal.read("SELECT choice, blind FROM votes") == [("left", 1)]
    journal.close()


def test_a_journal_of_the_first_version_is_brought_up_to_date_with_all_it_holds(tmp_path):
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as old:
        old.execute("UPDATE meta SET value = '1' WHERE name = 'schema'")
        for name in ("ledger_entered", "ledger_moved"):
            old.execute(f"DROP TRIGGER {name}")
        later = (
            "attempts.key_id",
            "ledger.key_id",
            "artifacts.damaged_at",
            "votes.blind",
            "scores.feature",
            "scores.details",
        )
        for column in ("results.prices", "results.origin", *later):
            table, _, name = column.partition(".")
            old.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        old.execute("INSERT INTO events (name, created_at) VALUES ('kept', 'now')")
        for attempt, state, spent in ((1, "settled", 0.25), (2, "unknown", None), (3, "released", None)):
            row = (attempt, 7, "s", "default", "lab/one", "2026-11-20", state, 0.5, spent)
            old.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    journal = Journal(path)
    assert names(journal) == ["kept"]
    assert journal.read("SELECT prices, origin FROM results") == []
    assert journal.read("SELECT value FROM meta WHERE name = 'schema'") == [("6",)]
    assert journal.read("SELECT usd FROM spending WHERE scope = 'day 2026-11-20'") == [(0.75,)]
    assert journal.read("SELECT key_id FROM attempts") == journal.read("SELECT not_before FROM limits") == []
    journal.close()
