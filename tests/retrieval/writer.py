"""A process that writes a segment, builds an index, and writes down what is done; it may be told to die on the way.

``python writer.py FOLDER STEP``: at the STEP-th file that is opened, renamed or removed in FOLDER the process kills
itself, as SIGKILL from outside would strike it there. The product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from imagegen_kit.retrieval.index import Segment, build, write_segment
from imagegen_kit.retrieval.index.vectors import leftovers
from tests.retrieval.vectors import DIMENSION, NONE, clustered

ROWS = 600
STEPS = ("open", "os.rename", "os.remove")


def main(folder: Path, last: int) -> None:
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in STEPS and str(folder) in str(arguments[0]):
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    manifest = folder / "manifest.json"
    plain = json.loads(manifest.read_text()) if manifest.exists() else {"segments": [], "ann": None}
    segments = [Segment.from_plain(s, folder / "vectors") for s in plain["segments"]]
    sys.addaudithook(watch)
    for left in leftovers(folder / "vectors", segments):
        left.unlink()
    for _ in range(2):
        start = ROWS * len(segments)
        ids = np.arange(start, start + ROWS)
        segments.append(write_segment(folder / "vectors", len(segments), ids, clustered(ROWS, seed=len(segments))))
    record = build(folder / "index", segments, NONE, kind="ivf-sq8", dimension=DIMENSION)
    told = {"segments": [s.to_plain() for s in segments], "ann": record.to_plain()}
    part = folder / "manifest.part"
    part.write_text(json.dumps(told))
    part.replace(manifest)
    print(seen)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
