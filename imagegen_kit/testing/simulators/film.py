"""A film small enough for a test: a few JPEG pictures in an MP4 file (Motion JPEG, which common players read)."""

from __future__ import annotations

import colorsys
import io
import struct
import zlib
from functools import lru_cache

from PIL import Image

FRAMES_A_SECOND = 1
UNIT = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # neither turned nor moved


@lru_cache(maxsize=32)
def film(prompt: str, width: int, height: int, seconds: int, seed: int = 0) -> bytes:
    """Return an MP4 of (width, height) and ``seconds``, one plain colour a second.

    Boxes and their fields: ISO/IEC 14496-12, sections 4.3 and 8.2 to 8.7.
    """
    hue = zlib.crc32(f"{seed} {prompt}".encode("utf-8", "replace")) / 2**32
    frames = [_frame(width, height, hue + n / 24) for n in range(seconds * FRAMES_A_SECOND)]
    head = _box(b"ftyp", b"isom", _ints(512), b"isommp41")
    length = len(frames)
    sample = _box(
        b"jpeg", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HH", width, height),
        _ints(72 << 16, 72 << 16, 0), struct.pack(">H", 1), bytes(32), struct.pack(">Hh", 24, -1),
    )  # fmt: skip
    table = _box(
        b"stbl",
        _box(b"stsd", _ints(0, 1), sample),
        _box(b"stts", _ints(0, 1, length, 1)),
        _box(b"stsc", _ints(0, 1, 1, length, 1)),
        _box(b"stsz", _ints(0, 0, length, *map(len, frames))),
        _box(b"stco", _ints(0, 1, len(head) + 8)),
    )
    where = _box(b"dinf", _box(b"dref", _ints(0, 1), _box(b"url ", _ints(1))))
    media = _box(
        b"mdia",
        _box(b"mdhd", _ints(0, 0, 0, FRAMES_A_SECOND, length), struct.pack(">HH", 0x55C4, 0)),
        _box(b"hdlr", _ints(0, 0), b"vide", bytes(12), b"film\0"),
        _box(b"minf", _box(b"vmhd", _ints(1), bytes(8)), where, table),
    )
    track = _box(b"tkhd", _ints(3, 0, 0, 1, 0, length), bytes(16), UNIT, _ints(width << 16, height << 16))
    movie = _box(
        b"mvhd", _ints(0, 0, 0, FRAMES_A_SECOND, length, 1 << 16), struct.pack(">H", 256), bytes(10), UNIT, bytes(24),
        _ints(2),
    )  # fmt: skip
    return head + _box(b"mdat", *frames) + _box(b"moov", movie, _box(b"trak", track, media))


def _frame(width: int, height: int, hue: float) -> bytes:
    red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(hue % 1, 0.6, 0.8))
    out = io.BytesIO()
    Image.new("RGB", (width, height), (red, green, blue)).save(out, "JPEG", quality=30)
    return out.getvalue()


def _box(name: bytes, *parts: bytes) -> bytes:
    inside = b"".join(parts)
    return _ints(8 + len(inside)) + name + inside


def _ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)
