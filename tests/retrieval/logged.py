"""An embedder that writes down what it embeds, and, as a script, a process that dies while it adds pictures in lots.

``python -m tests.retrieval.logged FOLDER CALLS`` kills itself with SIGKILL at the call of that number.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import imagegen_kit as ik
from imagegen_kit.clusters.spreading import Here
from imagegen_kit.retrieval.lots.merge import Merging
from imagegen_kit.retrieval.lots.sources import lots_of
from tests.retrieval.colours import Colours

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

LOT = 6


class Logged(Colours):
    """Each call adds a line to ``log``: the process, and the digest of each picture. ``dies_at`` kills the process."""

    def __init__(self, log: Path, *, dies_at: int | None = None, takes_s: float = 0.0) -> None:
        super().__init__("logged")
        self.log, self.dies_at, self.takes_s, self.calls = log, dies_at, takes_s, 0

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.calls += 1
        if self.calls == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.takes_s)
        found = super().embed_images(images)
        with self.log.open("a") as file:
            digests = " ".join(hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16] for image in images)
            file.write(f"{os.getpid()} {digests}\n")
        return found


def embedded(log: Path) -> list[str]:
    """The digests of all pictures that were embedded, in whatever process."""
    return [digest for line in log.read_text().splitlines() for digest in line.split()[1:]]


def add(folder: Path, embedder: Logged, engine: object, *, size: int = LOT) -> object:
    """Add the photos in ``folder`` to its library, in lots of ``size``."""
    lib = ik.Library.open(folder / "refs", embedder=embedder)
    with lib._writing() as writing:
        merging = Merging(writing, copy=False, told=lambda done, of: None)
        return merging.run(lots_of(folder / "photos", {}, folder=lib.path, size=size), engine)  # type: ignore[arg-type]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    add(place, Logged(place / "log", dies_at=int(sys.argv[2])), Here())
