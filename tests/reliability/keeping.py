"""A process that keeps pictures: ``python -m tests.reliability.keeping STORE MODE``, MODE is ``same`` or ``ever``."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from imagegen_kit.store.blobs import Blobs

SAME = hashlib.sha256(b"seed").digest() * 100_000  # 3.2 MB, the same in every process


def main() -> None:
    blobs = Blobs(Path(sys.argv[1]))
    sys.stdin.readline()  # all begin together
    if sys.argv[2] == "same":
        digest = hashlib.sha256(SAME).hexdigest()
        blobs.put(SAME, digest, "png")
        sys.stdout.write(f"{blobs.read(digest, 'png') == SAME}\n")
        return
    while True:
        data = os.urandom(2_000_000)
        digest = hashlib.sha256(data).hexdigest()
        blobs.put(data, digest, "png")
        sys.stdout.write(f"{digest}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
