"""A process that writes for ever and says what is acknowledged.

``python -m tests.reliability.acknowledging FILE NAME``.
By turns one ``write``, one ``transact`` and a handful of both at once; each is two rows, which stand or fall together.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.store.journal import Journal

if TYPE_CHECKING:
    import sqlite3
    from concurrent.futures import Future

INSERT = "INSERT INTO events (name, detail, created_at) VALUES (?, ?, 'now')"


def begin(journal: Journal, name: str, number: int) -> Future[object]:
    rows = [(INSERT, (f"{name}-{number}", half)) for half in ("first", "second")]
    if number % 2:
        return journal.write(rows)

    def both(connection: sqlite3.Connection) -> None:
        for sql, values in rows:
            connection.execute(sql, values)

    return journal.transact(both)


def main() -> None:
    journal, name = Journal(Path(sys.argv[1])), sys.argv[2]
    numbers = count()
    while True:
        for at_once in (1, 1, 7):
            waiting = {n: begin(journal, name, n) for n in (next(numbers) for _ in range(at_once))}
            for number, future in waiting.items():
                future.result()
                sys.stdout.write(f"{name}-{number}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
