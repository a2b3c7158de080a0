"""``lib.query(…)``: a search that is written down now and made when a picture is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """A retrieval to come, for ``references=[…]``; ``text`` None: the prompt. ``brief`` is what ``search`` takes."""

    library: Any
    top_k: int = 3
    text: str | None = None
    brief: Mapping[str, Any] = field(default_factory=empty)
