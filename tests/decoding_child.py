"""Keeps each file of a folder as the engine would, every one in a process of its own; a JSON line says what it took.

Run as ``python tests/decoding_child.py FOLDER``. What the parent cannot survive ends one child alone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from imagegen_kit.checks import CHECKS
from imagegen_kit.engine.keep import keep_picture
from imagegen_kit.errors import InvalidReply
from imagegen_kit.store import Blobs
from imagegen_kit.types import ImageRequest

ASKED = ImageRequest(prompt="a kite", model="hostile/one")


def keep(path: Path, blobs: Blobs) -> dict[str, object]:
    """Return what became of the file and the processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        picture, _ = keep_picture(blobs, path.read_bytes(), ASKED, ["not_blank"])
        outcome = f"kept {picture.width}x{picture.height}"
    except InvalidReply as error:
        outcome = f"refused: {error}"
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"name": path.name, "outcome": outcome, "seconds": seconds, "mib": int(peak.split()[1]) / 1024}


def main(folder: Path) -> None:
    assert CHECKS  # loaded before the children begin, so that no import counts as theirs
    blobs = Blobs(folder / "store")
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
            print(json.dumps(keep(path, blobs)), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"name": path.name, "outcome": f"died with {status}", "seconds": 0, "mib": 0}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
