"""A journal that is closed while others read from it and write into it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imagegen_kit.store.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

LONG = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT SUM(x) FROM c"


def test_closing_waits_for_who_reads_and_the_next_read_opens_it_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    over, answers = threading.Event(), set()

    def read() -> None:
        while not over.is_set():
            answers.update(journal.read(LONG))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        over.wait(0.005)
        journal.close()
    over.set()
    for thread in threads:
        thread.join()
    journal.close()
    assert answers == {(200010000,)}


def test_closing_while_others_write_keeps_nobody_waiting_and_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.write([("CREATE TABLE marks (writer INTEGER, number INTEGER)", ())]).result(10)
    over, written = threading.Event(), dict.fromkeys(range(3), 0)

    def write(writer: int) -> None:
        while not over.is_set():
            journal.write([("INSERT INTO marks VALUES (?, ?)", (writer, written[writer]))]).result(10)
            written[writer] += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in written]
    for thread in threads:
        thread.start()
    for _ in range(2_000):
        journal.close()
    over.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    found = dict(journal.read("SELECT writer, COUNT(*) FROM marks GROUP BY writer"))
    journal.close()
    assert found == written
    assert min(written.values()) > 0
