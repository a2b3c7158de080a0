"""A journal that is closed while others read from it."""

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
