"""``Candidate``: one picture that was given to a library, before it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.types import Artifact

BYTES = (bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture to be looked at: ``picture`` is a path, bytes, or an Artifact; ``about`` what is said of it.

    ``source`` is what reports call it. ``sha256`` is the hash that the file must have, None where nobody said so.
    ``refused`` says why it cannot be taken at all.
    """

    source: str
    picture: Path | bytes | Artifact | None
    about: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None
    refused: str = ""


def pixels(source: Any) -> bool:
    """Whether ``source`` is a picture in memory, although it may be iterated."""
    return isinstance(source, Image.Image) or hasattr(source, "__array_interface__") or hasattr(source, "read")


def bytes_of(artifact: Artifact) -> Path | Artifact:
    """Return where the bytes of an artifact are to be read: its file, or itself."""
    return Path(artifact.path) if artifact.path is not None and artifact.data is None else artifact


def in_memory(source: Any, where: str, common: Mapping[str, Any]) -> Candidate:
    """Bytes, PIL images, arrays, open files and Pictures; what is no picture is rejected in words."""
    if isinstance(source, Artifact):
        return Candidate(where, bytes_of(source), common)
    if isinstance(source, BYTES):
        return Candidate(where, bytes(source), common)
    try:
        return Candidate(where, open_picture(source, where=where).bytes, common)
    except InvalidInput as error:
        return Candidate(where, None, common, refused=reason_of(error))


def reason_of(error: InvalidInput) -> str:
    """Return what is wrong with one picture, in one line."""
    return " ".join(f"{fault.what} {fault.hint}".strip() for fault in error.faults)
