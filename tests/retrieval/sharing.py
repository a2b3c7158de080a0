"""A script that adds pictures to a library: ``python -m tests.retrieval.sharing FOLDER FIRST COUNT``."""

from __future__ import annotations

import sys
from pathlib import Path

from imagegen_kit.retrieval.library import Library, adding
from tests.retrieval.colours import Colours, drawn

if __name__ == "__main__":
    adding.BATCH = 8
    folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    library = Library.open(folder, embedder=Colours())
    print("open", flush=True)
    sys.stdin.readline()
    report = library.add(
        [{"picture": drawn(n, (12, 9)), "id": f"p{n}"} for n in range(first, first + count)],
        progress=lambda done, of: print(done, flush=True),
    )
    print("added", len(report.added), flush=True)
