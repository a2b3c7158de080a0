"""Words and small values that the other types share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["image", "text", "video"]
Status = Literal["pending", "ok", "cached", "fallback", "placeholder", "blocked", "failed", "unknown", "cancelled"]
ROLES = ("content", "character", "setting", "style", "mask")
EMPTY: Mapping[str, Any] = MappingProxyType({})


def empty() -> Mapping[str, Any]:
    """Return the empty mapping, as a dataclass's default."""
    return EMPTY
