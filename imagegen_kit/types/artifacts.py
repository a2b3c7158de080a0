"""Stored bytes by their hash, and pictures given to a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.types.common import ROLES


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes known by their sha256: a picture, a film or a text. Equal when the bytes are equal.

    ``path`` is where they lie on this machine and ``data`` the bytes themselves where they are in memory; either may be
    None. ``width`` and ``height`` are pixels, None for text.
    """

    sha256: str
    kind: Literal["picture", "film", "text"] = field(default="picture", compare=False)
    format: str = field(default="png", compare=False)
    width: int | None = field(default=None, compare=False)
    height: int | None = field(default=None, compare=False)
    size_bytes: int | None = field(default=None, compare=False)
    path: str | None = field(default=None, compare=False, repr=False)
    data: bytes | None = field(default=None, compare=False, repr=False)
    parents: tuple[str, ...] = field(default=(), compare=False)

    def to_plain(self) -> dict[str, Any]:
        """Return what identifies and describes the bytes, without path or bytes."""
        return {"sha256": self.sha256, "format": self.format, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class Reference(Shown):
    """A picture given to a model, and what it is for.

    ``picture`` may be given as a path, bytes, a PIL image or a ``Picture``; it is read and checked at once. ``role`` is
    one of content, character, setting, style, mask. ``origin`` (the library item it came from) and ``score`` are None
    for pictures given by hand.
    """

    picture: Artifact
    role: str = field(default="content", kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    origin: str | None = field(default=None, kw_only=True, compare=False)
    score: float | None = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if self.role not in ROLES:
            faults.append(Fault("role", f"{self.role!r} is not a role.", "Use " + ", ".join(ROLES) + "."))
        if not isinstance(self.picture, Artifact):
            try:
                object.__setattr__(self, "picture", upward("open_picture")(self.picture))
            except InvalidInput as error:
                faults.extend(error.faults)
        if faults:
            raise InvalidInput(faults)

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict; the bytes are named by their hash."""
        plain: dict[str, Any] = {"picture": self.picture.to_plain(), "role": self.role}
        for name in ("name", "description", "origin", "score"):
            if getattr(self, name) is not None:
                plain[name] = getattr(self, name)
        return plain

    def __repr__(self) -> str:
        return f"Reference({self.name or self.picture.sha256[:8]}, role={self.role!r})"
