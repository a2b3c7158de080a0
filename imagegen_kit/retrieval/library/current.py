"""What a library holds now: read anew only where it has changed, and held still while one question is answered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records
    from imagegen_kit.retrieval.library.snapshot import Snapshot


class _Held(threading.local):
    """The snapshot that this thread holds still, and how many blocks are entered."""

    snapshot: Snapshot | None = None
    depth = 0


class Current:
    """The snapshot of a library. ``with current:`` holds it still for this thread.

    A question is then asked of one state from its beginning to its end, and whether something has changed is looked up
    once, not at each step.
    """

    def __init__(self, records: Records, place: Place, embedder: Embedder) -> None:
        self._records, self._place, self._embedder = records, place, embedder
        self._guard = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._held = _Held()

    def now(self) -> Snapshot:
        """Return the snapshot that is held still, or else what the library holds now. Raises StoreError."""
        if (held := self._held.snapshot) is not None:
            return held
        with self._guard:
            version = self._records.version()
            if self._snapshot is None or self._snapshot.version != version:
                from imagegen_kit.retrieval.library.segments import Vectors
                from imagegen_kit.retrieval.library.snapshot import Snapshot as Made

                vectors = Vectors.of(self._records, self._place.home, self._embedder)
                self._snapshot = Made(version, self._records, self._place, vectors, self._snapshot)
            return self._snapshot

    def __enter__(self) -> Snapshot:
        held = self._held
        if held.snapshot is None:
            held.snapshot = self.now()
        held.depth += 1
        return held.snapshot

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        held = self._held
        held.depth -= 1
        if not held.depth:
            held.snapshot = None

    def close(self) -> None:
        """Let go of the files."""
        with self._guard:
            self._records.close()
            self._snapshot = None
