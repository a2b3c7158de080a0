"""A process that writes to a journal and says which rows are acknowledged: file, name, rows (0 is for ever)."""

from __future__ import annotations

import sys
from pathlib import Path

from imagegen_kit.store.journal import Journal

if __name__ == "__main__":
    journal, name, count = Journal(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    number = 0
    while not count or number < count:
        values = (journal.new_id(), f"{name}-{number}", "now")
        journal.write([("INSERT INTO events (id, name, created_at) VALUES (?, ?, ?)", values)]).result()
        sys.stdout.write(f"{name}-{number}\n")
        sys.stdout.flush()
        number += 1
    journal.close()
