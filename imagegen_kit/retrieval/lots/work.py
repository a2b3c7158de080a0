"""``Work``: what turns one lot into rows and vectors, in whatever process it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import Fault, ImagegenError, InvalidInput
from imagegen_kit.retrieval.embedders import load_embedder
from imagegen_kit.retrieval.library.adding import batches
from imagegen_kit.retrieval.library.candidate import Candidate, reason_of
from imagegen_kit.retrieval.library.looking import Look, look_at
from imagegen_kit.retrieval.library.seeing import Seen, keep_copy, read_candidate
from imagegen_kit.retrieval.library.segments import embedded
from imagegen_kit.retrieval.lots.made import is_made, without_pixels, write_made

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.lots.lot import Lot


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a worker needs to know. Its folders must be the same ones wherever a worker runs.

    ``library``: the library's own folder. ``lots``: where what is made is put. ``embedder``: its name, or itself.
    ``known``: a file of sorted uint64 numbers, the first 16 hex digits of the pictures' hashes that are there already.
    ``threads`` decode beside the embedder.
    """

    library: Path
    lots: Path
    known: Path
    embedder: str | Embedder
    fingerprint: str
    copy: bool = False
    threads: int = 1


class Work:
    """Called with a lot and its key, it embeds the lot, unless that was done before, and says what came of it."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self.embedder = load_embedder(place.embedder)
        if self.embedder.fingerprint != place.fingerprint:
            what = f"{self.embedder.name} is another one where the lots are embedded than in this library."
            raise InvalidInput([Fault("embedder", what, "Install the same versions and weights on all machines.")])
        self._known = np.load(place.known, mmap_mode="r")

    def __call__(self, key: str, lot: Lot) -> dict[str, Any]:
        """Return ``key``, how many ``pictures`` the lot has and how many were ``embedded``; ``failed``: why not.

        ``mend``: it failed because of the embedder, and so would every other lot.
        """
        folder, made = self.place.lots / key, {"key": key, "pictures": lot.count, "embedded": 0}
        if is_made(folder):
            return made
        seen: list[Seen] = []
        vectors: list[np.ndarray] = []
        here: set[str] = set()
        try:
            for batch in batches(lot.read(), self._see, self.place.threads):
                images: list[Image.Image] = []
                for one in batch:
                    if isinstance(one.look, Look) and one.sha256 not in here:
                        here.add(one.sha256)
                        images.append(one.look.image)
                if images:
                    vectors.append(embedded(self.embedder, images))
                seen += map(without_pixels, batch)
            rows = np.concatenate(vectors) if vectors else np.empty((0, self.embedder.dimension), np.float32)
            write_made(folder, seen, rows, self.place.fingerprint)
        except InvalidInput as error:
            return {**made, "failed": error.message, "mend": True}
        except ImagegenError as error:
            return {**made, "failed": error.message}
        return {**made, "embedded": sum(map(len, vectors))}

    def _see(self, candidate: Candidate) -> Seen:
        """Read and hash a picture; where the library does not have it, decode it, and keep its bytes if need be."""
        read = read_candidate(candidate)
        if isinstance(read, Seen):
            return read
        file, held, sha256 = read
        try:
            look = None if self._knows(sha256) else look_at(held, sha256=sha256)
        except InvalidInput as error:
            return Seen(candidate, reason=reason_of(error))
        if look is not None and (file is None or self.place.copy):
            path = keep_copy(self.place.library, held, sha256, look.format)
            return Seen(candidate, sha256, look, str(path), copied=True)
        return Seen(candidate, sha256, look, None if file is None else str(file))

    def _knows(self, sha256: str) -> bool:
        number = np.uint64(int(sha256[:16], 16))
        at = int(np.searchsorted(self._known, number))
        return at < len(self._known) and bool(self._known[at] == number)
