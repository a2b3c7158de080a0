"""Requests: one ask to one model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown
from imagegen_kit.types.artifacts import Artifact, Reference
from imagegen_kit.types.common import EMPTY, Kind, empty
from imagegen_kit.types.sizes import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # built once: `json.dumps` builds it anew


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Request:
    """What all requests share. ``labels`` ride along (category, variant, scene): outside equality and key."""

    kind: ClassVar[Kind]
    prompt: str
    model: str
    seed: int | None = None
    sample: int = 0
    references: tuple[Reference, ...] = ()
    options: Mapping[str, Any] = field(default_factory=empty)
    labels: Mapping[str, Any] = field(default_factory=empty, compare=False)

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict of everything that is set; ``request_from_plain`` reads it back."""
        plain: dict[str, Any] = {"kind": self.kind}
        for name in _field_names(type(self)):
            value = getattr(self, name)
            kind = type(value)
            if value is None or value is EMPTY or value == ():
                continue
            if kind is str or kind is int or kind is float:
                plain[name] = value
            elif name == "references":
                plain[name] = [r.to_plain() for r in value]
            elif isinstance(value, Artifact):
                plain[name] = value.to_plain()
            elif isinstance(value, (Size, str)):
                plain[name] = str(value)
            elif name not in ("options", "labels"):
                plain[name] = value
            elif value:
                plain[name] = dict(value)
        return plain

    def __repr__(self) -> str:
        plain = {k: v for k, v in self.to_plain().items() if k not in ("kind", "labels") and v != 0}
        pictures = [k for k, v in plain.items() if k == "references" or isinstance(getattr(self, k), Artifact)]
        words = [f"{k}={len(self.references) if k == 'references' else 1}" for k in pictures]
        shown = [f"{k}={v!r}" for k, v in plain.items() if k not in pictures]
        return f"{type(self).__name__}({', '.join(shown + words)})"

    def to_json(self) -> str:
        """Return ``to_plain`` as compact JSON text."""
        return _ENCODE(self.to_plain())


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImageRequest(_Request, Shown):
    """One ask for one picture. ``mask`` marks with opaque white where an edit may change the first reference."""

    kind = "image"
    negative_prompt: str | None = None
    mask: Artifact | None = None
    size: Size | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TextRequest(_Request, Shown):
    """One ask for text from a language model; ``schema`` is a JSON schema for the answer, or None for free text."""

    kind = "text"
    system: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VideoRequest(_Request, Shown):
    """One ask for one film of ``seconds`` length between optional first and last frames."""

    kind = "video"
    negative_prompt: str | None = None
    first_frame: Artifact | None = None
    last_frame: Artifact | None = None
    seconds: float | None = None
    size: Size | None = None
    quality: str | None = None


Request = ImageRequest | TextRequest | VideoRequest
_REQUESTS: dict[str, type[Request]] = {"image": ImageRequest, "text": TextRequest, "video": VideoRequest}
_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def _field_names(cls: type) -> tuple[str, ...]:
    if cls not in _FIELD_NAMES:
        _FIELD_NAMES[cls] = tuple(f.name for f in fields(cls))
    return _FIELD_NAMES[cls]


def request_from_plain(plain: Mapping[str, Any], where: Callable[[str, str], Path] | None = None) -> Request:
    """Read ``to_plain`` of any request back; ``where(sha256, format)`` says which file holds the bytes of a picture.

    Raises InvalidInput for an unknown kind or field.
    """
    values = dict(plain)
    cls = _REQUESTS.get(values.pop("kind", ""))
    if cls is None or not set(values) <= set(_field_names(cls)):
        raise InvalidInput([Fault("request", f"not a stored request: {sorted(plain)}")])

    def artifact(known: Mapping[str, Any]) -> Artifact:
        return Artifact(**known, path=str(where(known["sha256"], known["format"])) if where else None)

    values["references"] = tuple(
        Reference(artifact(r["picture"]), **{k: v for k, v in r.items() if k != "picture"})
        for r in values.get("references", ())
    )
    for name in ("mask", "first_frame", "last_frame"):
        if name in values:
            values[name] = artifact(values[name])
    if "size" in values:
        parts = str(values["size"]).split(" ")
        values["size"] = Size.parse(parts[0]) if len(parts) == 1 else Size(ratio=parts[0], resolution=parts[1])
    return cls(**values)
