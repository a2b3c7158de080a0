"""``Lot``: some hundred pictures that one process embeds, wherever it runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.report import Rejected

FORMAT: Final = 1
PICTURES: Final = 512  # of a lot: 5 s of work for an embedder that takes 10 ms a picture, and little to do again


@dataclass(frozen=True, slots=True)
class Lot:
    """``count`` pictures. ``read`` yields them; it is pickled, and called where they are embedded.

    ``told``, as JSON holds it, tells these pictures from all others: where they lie, and how the files were then.
    ``refused``: it stands for a source that holds no pictures, or that cannot be read.
    """

    count: int
    told: Any
    read: Callable[[], Iterator[Candidate]]
    refused: Rejected | None = None

    @classmethod
    def none(cls, path: str, reason: str, *, name: str | None = None) -> Lot:
        """Return what stands for a source of which nothing can be taken, and why; ``name``: what it is called."""
        source = name or path
        return cls(1, [path, reason], partial(iter, ()), Rejected(source, reason))

    def key(self, fingerprint: str, *, copy: bool) -> str:
        """Return the name of what is made of it by the embedder with this fingerprint, 32 hex digits."""
        text = json.dumps([FORMAT, fingerprint, copy, self.told], ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]
