"""A retrieval that is asked later: a library and what is wanted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.library import Library


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """``library.query(…)``: stands in ``references=`` for the best ``top_k`` pictures of a request.

    ``text`` None: the request's own prompt. ``brief`` holds what else ``Library.search`` takes.
    """

    library: Library
    top_k: int = 3
    text: str | None = None
    brief: Mapping[str, Any] = field(default_factory=empty)

    def search(self, prompt: str) -> Any:
        """Ask now: the hits for ``text``, or else for ``prompt``."""
        return self.library.search(self.text or prompt, top_k=self.top_k, **self.brief)
