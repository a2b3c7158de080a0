"""The three picture containers as lists of parts, read without decoding a pixel.

Decoding uses them to judge a file before a decoder allocates memory for it; provenance uses them to change metadata
without touching pixels. Parts are positions in the file, so that walking costs no copies.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in JPEG data ff00 is a byte, ffd0-ffd7 restart marks
# A file of 64 MiB could hold sixteen million empty parts, and only to walk them would take half a minute. Encoders that
# cut pixels into the smallest pieces (4 KiB) come to 16,000.
MAX_PARTS = 100_000
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Cut(ValueError):
    """The file ends before its last part does."""


class Crowded(ValueError):
    """The file has more parts than any encoder writes."""


class Part(NamedTuple):
    """A part of a file: its kind, where it starts, where its payload lies, and where it ends."""

    kind: bytes
    start: int
    body: int
    body_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What a walk through the whole file tells: number of frames, bytes of text in it (comments, prompts), and scans.

    ``scans`` is how often a JPEG's decoder goes over the whole picture, 1 for other formats.
    """

    frames: int
    text_bytes: int
    scans: int = 1


def png_parts(data: bytes) -> Iterator[Part]:
    """Yield the chunks of a PNG up to and including IEND. Raises Cut where the file ends before."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data):
            break
        kind = data[at + 4 : at + 8]
        yield Part(kind, at, at + 8, at + 8 + length, end)
        if kind == b"IEND":
            return
        at = end
    raise Cut("no IEND chunk")


def jpeg_parts(data: bytes) -> Iterator[Part]:
    """Yield the segments of a JPEG up to and including its end mark (a scan holds its coded pixels). Raises Cut."""
    at = 2
    while mark := _NEXT_MARKER.search(data, at):
        at, kind = mark.start(), mark[0][1:]
        if kind == b"\xd9":
            yield Part(kind, at, at + 2, at + 2, at + 2)
            return
        if kind in (b"\x01", b"\xd8"):  # marks without a length
            at += 2
            continue
        if at + 4 > len(data):
            break
        body_end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        end = body_end
        if kind == b"\xda":
            following = _NEXT_MARKER.search(data, body_end)
            end = following.start() if following else len(data)
        if end > len(data):
            break
        yield Part(kind, at, at + 4, body_end, end)
        at = end
    raise Cut("no end mark")


def webp_parts(data: bytes) -> Iterator[Part]:
    """Yield the chunks of a WebP file as long as its RIFF header says. Raises Cut where the file ends before."""
    total = 8 + int.from_bytes(data[4:8], "little")
    if total > len(data):
        raise Cut("shorter than its header says")
    at = 12
    while at + 8 <= total:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        body_end = at + 8 + length
        if body_end > total:
            raise Cut("a chunk is longer than the file")
        yield Part(data[at : at + 4], at, at + 8, body_end, min(total, body_end + length % 2))
        at = body_end + length % 2


def container(data: bytes) -> str | None:
    """Return "png", "jpeg" or "webp" by the first bytes, None for anything else."""
    if data.startswith(PNG_SIGNATURE):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def dimensions(data: bytes, format: str) -> tuple[int, int]:
    """Return (width, height) from the header of a file of this ``format``. Raises Cut where there is none."""
    try:
        if format == "png":
            if data[12:16] != b"IHDR":
                raise Cut("no IHDR chunk")
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        if format == "jpeg":
            for part in islice(jpeg_parts(data), MAX_PARTS):
                if part.kind[0] in _SOF:
                    height, width = struct.unpack_from(">HH", data, part.body + 1)
                    return width, height
            raise Cut("no frame header")
        return _webp_dimensions(data)
    except struct.error as error:
        raise Cut("the header is cut") from error


def _webp_dimensions(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        low, high, low2, high2 = struct.unpack_from("<HBHB", data, 24)
        return 1 + low + (high << 16), 1 + low2 + (high2 << 16)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise Cut("no picture chunk")


def survey(data: bytes, format: str) -> Survey:
    """Walk the whole file of this ``format`` and count what is in it. Raises Cut where it ends early, and Crowded."""
    walk = {"png": png_parts, "jpeg": jpeg_parts, "webp": webp_parts}[format](data)
    parts = list(islice(walk, MAX_PARTS))
    if next(walk, None) is not None:
        raise Crowded
    kinds = [part.kind for part in parts]
    texts = {"png": (b"tEXt", b"zTXt", b"iTXt"), "jpeg": (b"\xfe",), "webp": (b"XMP ",)}[format]
    text = sum(part.body_end - part.body for part in parts if part.kind in texts)
    if format == "png":
        told = (data[part.body : part.body + 4] for part in parts if part.kind == b"acTL")
        return Survey(max([1, *(int.from_bytes(count, "big") for count in told)]), text)
    if format == "jpeg":  # a second picture behind the first (depth, gain map) is no animation and is never read
        return Survey(1, text, kinds.count(b"\xda"))
    return Survey(max(1, kinds.count(b"ANMF")), text)
