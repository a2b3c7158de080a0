"""Prompts that know where they come from, and prompt styles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Prompt(str):
    """A prompt that knows where it comes from; otherwise an ordinary string."""

    id: str
    category: str | None
    tags: tuple[str, ...]

    def __new__(cls, text: str, *, id: str = "", category: str | None = None, tags: tuple[str, ...] = ()) -> Prompt:
        """Keep the text and what is known of it."""
        self = super().__new__(cls, text)
        self.id, self.category, self.tags = id, category, tuple(tags)
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:  # pickle, deepcopy
        return (str(self),), {"id": self.id, "category": self.category, "tags": self.tags}


@dataclass(frozen=True, slots=True)
class Style(Shown):
    """A prompt style.

    ``text`` follows the brief, ``suffix`` holds quality words and comes last, ``negative`` says what to avoid. With
    ``name_aspect`` the asked aspect ratio is named in words. ``axes`` are named lists of phrases for controlled
    variation; ``checks`` names the checks that measure whether a picture keeps the style's rules, each with its limits.
    """

    name: str
    text: str = field(default="", kw_only=True)
    negative: str = field(default="", kw_only=True)
    suffix: str = field(default="", kw_only=True)
    name_aspect: bool = field(default=False, kw_only=True)
    axes: Mapping[str, tuple[str, ...]] | None = field(default=None, kw_only=True)
    checks: Mapping[str, Any] | None = field(default=None, kw_only=True)
    title: str = field(default="", kw_only=True)
    api_version: int = field(default=1, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.name):
            faults.append(Fault("style", f"{self.name!r} is not a name.", "Use letters, digits, '.', '_' and '-'."))
        for part in ("text", "negative", "suffix"):
            if not isinstance(getattr(self, part), str):
                faults.append(Fault(part, f"{getattr(self, part)!r} is not text."))
        for axis, values in (self.axes or {}).items():
            if isinstance(values, str) or not values:
                faults.append(Fault("axes", f"{axis!r} needs a list of phrases, not {values!r}."))
        if faults:
            raise InvalidInput(faults)
        object.__setattr__(self, "axes", MappingProxyType({k: tuple(v) for k, v in (self.axes or {}).items()}))
        object.__setattr__(self, "checks", MappingProxyType(dict(self.checks or {})))

    def __repr__(self) -> str:
        return f"Style({self.name!r})"
