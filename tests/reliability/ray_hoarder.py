"""Another job of a cluster, that fills its object store and holds what it put there."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

PIECES = (2**22, 2**18, 2**14, 2**10, 2**6)  # bytes: what large ones leave is filled with small ones
MOST = 92 * 2**20  # bytes, of a store of 80 MB: the rest lies on the disk, if that takes any


class Hoarder:
    """The job as a process: connected from the start, and full of what it holds after ``fill``."""

    def __init__(self, address: str, root: Path) -> None:
        command = [sys.executable, "-m", "tests.reliability.ray_hoarder", address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        self._hear("connected")

    def fill(self) -> int:
        """Fill the store; return how many bytes are held once it is full."""
        assert self._process.stdin is not None
        self._process.stdin.write("fill\n")
        self._process.stdin.flush()
        return int(self._hear("full"))

    def end(self) -> None:
        """Let go of everything."""
        self._process.communicate()

    def _hear(self, word: str) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        assert said[:1] == [word], f"the other job said {said}"
        return said[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def hoard(address: str) -> None:
    """Be the job, to the end of the input."""
    import numpy as np
    import ray

    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    print("connected", flush=True)
    sys.stdin.readline()
    held: list[object] = []
    total = 0
    for size in PIECES:
        try:
            while total < MOST:
                held.append(ray.get(ray.put(np.ones(size, np.uint8))))  # what somebody reads is not moved to the disk
                total += size
        except (ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError):
            continue
    print("full", total, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    hoard(sys.argv[1])
