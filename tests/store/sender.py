"""A process that sends what is planned in a store, until it is done or killed."""

from __future__ import annotations

import sys
from pathlib import Path

from imagegen_kit.store import Store, resume_uploads

if __name__ == "__main__":
    store = Store(Path(sys.argv[1]))
    store.connect(sys.argv[2])
    resume_uploads(store)
    store.close()
