"""What a saved film tells about itself: the record of a picture's provenance, as the comment of its container.

MP4 keeps it as ``©cmt``, WebM as the tag COMMENT, where players and ``ffprobe`` show it. The packets stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, MissingDependency
from imagegen_kit.film.reading import facts_of, format_of, opened
from imagegen_kit.film.stringing import strung
from imagegen_kit.imaging.provenance import record_of, record_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# The box of content credentials in ISO base media files: what was signed must not be written anew.
_C2PA = b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_STREAMS = ["audio", "video"]


def embed(data: bytes, record: Mapping[str, Any]) -> bytes:
    """Return a film with the same packets, and ``record`` as its comment; its title and the like stay.

    It is returned as it is without PyAV, where its maker signed it (C2PA), and where another file of the same packets
    would not be the same film (further streams, times that its container cannot hold).
    """
    if _C2PA in data:
        return data
    try:
        with opened(data) as (container, _):
            kinds = sorted(stream.type for stream in container.streams)
            told = {**container.metadata, "comment": record_text(record)}
        if kinds not in (_STREAMS, _STREAMS[1:]):
            return data
        tagged = strung([data], format_of(data), told)
        return tagged if facts_of(tagged) == facts_of(data) else data
    except (InvalidInput, MissingDependency):
        return data


def read(data: bytes) -> dict[str, Any] | None:
    """Return the record in a film, None where there is none that can be read. What it says is the file's claim.

    Raises MissingDependency without PyAV.
    """
    try:
        with opened(data) as (container, _):
            told = {name.lower(): text for name, text in container.metadata.items()}
    except InvalidInput:
        return None
    return record_of(told.get("comment"))
