"""A process that shows old pictures again and makes new ones, as a run of an experiment does, and says which.

``python -m tests.reliability.reusing STORE``. It looks whether a file is there and commits its row a moment later: the
very gap into which a clean-up could fall.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from pathlib import Path

from imagegen_kit.store import Store

RUN = "INSERT INTO runs VALUES (2, 'exp', 'exp', 'r', 'definition', '{}', 1, 'other', '{}', '2026-01-01')"
ARTIFACT = "INSERT OR IGNORE INTO artifacts VALUES (?, 'picture', 'png', 1, 1, ?, NULL, ?, NULL, NULL)"
RESULT = (
    "INSERT INTO results (request, run, status, sha256, format, cost_basis, same_model, attempts, created_at) "
    "VALUES (?, ?, ?, ?, 'png', 'table', 1, 1, ?)"
)
NOW = "2026-06-01T00:00:00.000+00:00"


def main() -> None:
    store, luck = Store(Path(sys.argv[1])), random.Random(1)
    store.journal.write([(RUN, ())]).result()
    old = [sha256 for (sha256,) in store.journal.read("SELECT sha256 FROM artifacts")]
    number = 10**6
    while True:
        number += 1
        rows = []
        if number % 3:
            sha256 = luck.choice(old)
            if store.blobs.size(sha256, "png") is None:
                continue
            time.sleep(luck.uniform(0, 0.05))
        else:
            data = os.urandom(300)
            sha256 = hashlib.sha256(data).hexdigest()
            store.blobs.put(data, sha256, "png")
            rows = [(ARTIFACT, (sha256, len(data), NOW))]
        store.journal.write([*rows, (RESULT, (number, 2, "cached", sha256, NOW))]).result()
        sys.stdout.write(f"{sha256}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
