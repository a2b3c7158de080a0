"""Exchange the metadata parts of a picture file; the coded pixels are copied byte for byte.

Every function may raise ``containers.Cut`` for a file that ends too early.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.imaging.containers import PNG_SIGNATURE, Part, jpeg_parts, png_parts, webp_parts
from imagegen_kit.imaging.decode import DECODERS, ORIENTATION, orientation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PNG_XMP = "XML:com.adobe.xmp"
JPEG_XMP_ROOM = 65_500  # a JPEG segment holds 65,533 bytes, 29 of them the name of the packet
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# What ``strip`` keeps of a PNG: everything that changes how the pixels look, nothing that tells a story.
_PNG_KEEP = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs acTL fcTL fdAT".split()
)
_WEBP_KEEP = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_WEBP_ALPHA, _WEBP_EXIF, _WEBP_XMP = 0x10, 0x08, 0x04


def strip(data: bytes, format: str) -> bytes:
    """Return the file with pixels, colour profile and orientation only; bytes behind the picture go too."""
    exif = _orientation_only(data, format)
    if format == "png":
        kept = [data[p.start : p.end] for p in png_parts(data) if p.kind in _PNG_KEEP]
        kept[1:1] = [_png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))] if exif else []
        return PNG_SIGNATURE + b"".join(kept)
    if format == "webp":
        parts = [(p.kind, data[p.body : p.body_end]) for p in webp_parts(data) if p.kind in _WEBP_KEEP]
        if exif := exif.removeprefix(b"Exif\0\0"):
            parts.append((b"EXIF", exif))
        flags = (_WEBP_EXIF if exif else 0, _WEBP_EXIF | _WEBP_XMP)
        return _webp_file([(k, _with_flags(b, *flags) if k == b"VP8X" else b) for k, b in parts])
    kept = [data[p.start : p.end] for p in jpeg_parts(data) if _jpeg_keeps(p, data)]
    after = 1 if kept[0].startswith(b"\xff\xe0") else 0
    kept[after:after] = [_jpeg_segment(0xE1, exif)] if exif else []
    return b"\xff\xd8" + b"".join(kept)


def with_exif(data: bytes, format: str, exif: bytes, size: tuple[int, int]) -> bytes:
    """Return the JPEG or WebP with this EXIF block (``Exif`` and two zeros first) instead of its own."""
    if format == "webp":
        parts = [(p.kind, data[p.body : p.body_end]) for p in webp_parts(data) if p.kind != b"EXIF"]
        if not any(kind == b"VP8X" for kind, _ in parts):
            parts.insert(0, (b"VP8X", _vp8x(parts, size)))
        parts = [(k, _with_flags(b, _WEBP_EXIF) if k == b"VP8X" else b) for k, b in parts]
        after = next((i for i, (kind, _) in enumerate(parts) if kind == b"XMP "), len(parts))  # EXIF stands before XMP
        return _webp_file([*parts[:after], (b"EXIF", exif.removeprefix(b"Exif\0\0")), *parts[after:]])
    parts_of = [p for p in jpeg_parts(data) if not (p.kind == b"\xe1" and data.startswith(b"Exif\0", p.body))]
    first = 1 if parts_of[0].kind == b"\xe0" else 0
    kept = [data[p.start : p.end] for p in parts_of]
    return b"\xff\xd8" + b"".join([*kept[:first], _jpeg_segment(0xE1, exif), *kept[first:]]) + data[parts_of[-1].end :]


def c2pa(data: bytes, format: str) -> bool:
    """Whether the file carries a C2PA box (content credentials); nothing is said of its validity."""
    if format == "png":
        return any(part.kind == b"caBX" for part in png_parts(data))
    if format == "webp":
        return any(part.kind == b"C2PA" for part in webp_parts(data))
    # JUMBF boxes lie in APP11 segments; the first of them names what it holds (C2PA specification, A.3.1)
    return any(p.kind == b"\xeb" and b"c2pa" in data[p.body : p.body + 128] for p in jpeg_parts(data))


def png_with_texts(data: bytes, texts: Mapping[str, str], *, drop: Collection[str] = ()) -> bytes:
    """Return the PNG with ``texts`` by keyword before its pixels, and without earlier texts named in ``drop``."""
    out, written = [PNG_SIGNATURE], False
    for part in png_parts(data):
        if part.kind in _PNG_TEXTS and _keyword(data, part) in drop:
            continue
        if part.kind == b"IDAT" and not written:
            out += [_png_chunk(b"iTXt", k.encode() + b"\0" * 5 + v.encode()) for k, v in texts.items()]
            written = True
        out.append(data[part.start : part.end])
    return b"".join(out)


def png_text(data: bytes, keyword: str, limit: int) -> str | None:
    """Return the iTXt text under ``keyword`` if it is there, at most ``limit`` bytes long and UTF-8, else None."""
    for part in png_parts(data):
        if part.kind != b"iTXt" or _keyword(data, part) != keyword:
            continue
        head, _, rest = data[part.body : part.body_end].partition(b"\0")
        fields = rest[2:].split(b"\0", 2) if head else []
        if len(fields) < 3:
            return None
        body = fields[2]
        if rest[0] == 1:  # an optimiser may have packed it
            unpack = zlib.decompressobj()
            try:
                body = unpack.decompress(body, limit + 1)
            except zlib.error:
                return None
        return body.decode() if len(body) <= limit else None
    return None


def jpeg_with_xmp(data: bytes, packet: bytes, extended: bytes | None = None) -> bytes:
    """Return the JPEG with this XMP packet instead of its own; ``extended`` is what did not fit into one segment.

    The packet must then name ``guid(extended)`` as xmpNote:HasExtendedXMP (XMP specification, part 3, 1.1.3.1).
    """
    ours = [_jpeg_segment(0xE1, _XMP + packet)]
    if extended is not None:
        name = _XMP_MORE + guid(extended).encode()
        for at in range(0, len(extended), 65_000):
            head = struct.pack(">II", len(extended), at)
            ours.append(_jpeg_segment(0xE1, name + head + extended[at : at + 65_000]))
    parts = [p for p in jpeg_parts(data) if not data.startswith((_XMP, _XMP_MORE), p.body)]
    first = 0  # JFIF and EXIF have to come first
    while parts[first].kind == b"\xe0" or data.startswith(b"Exif\0", parts[first].body):
        first += 1
    kept = [data[p.start : p.end] for p in parts]
    return b"\xff\xd8" + b"".join(kept[:first] + ours + kept[first:]) + data[parts[-1].end :]


def jpeg_xmp(data: bytes, limit: int) -> bytes:
    """Return the XMP packet of a JPEG with its extension (of at most ``limit`` bytes), empty where it has none."""
    main, more = b"", {}
    for part in jpeg_parts(data):
        if part.kind == b"\xda":
            break
        body = data[part.body : part.body_end]
        if body.startswith(_XMP):
            main = main or body[len(_XMP) :]
        elif body.startswith(_XMP_MORE) and len(body) >= len(_XMP_MORE) + 40:
            at = len(_XMP_MORE)
            total, offset = struct.unpack_from(">II", body, at + 32)
            more[offset] = (body[at : at + 32], total, body[at + 40 :])
    extended = b"".join(more[offset][2] for offset in sorted(more))
    if extended and len(extended) <= limit and guid(extended).encode() in main:
        return main + extended
    return main


def webp_with_xmp(data: bytes, packet: bytes, size: tuple[int, int]) -> bytes:
    """Return the WebP with this XMP packet instead of its own; ``size`` is that of the picture."""
    parts = [(p.kind, data[p.body : p.body_end]) for p in webp_parts(data) if p.kind != b"XMP "]
    if not any(kind == b"VP8X" for kind, _ in parts):
        parts.insert(0, (b"VP8X", _vp8x(parts, size)))
    parts = [(k, _with_flags(b, _WEBP_XMP) if k == b"VP8X" else b) for k, b in parts]
    return _webp_file([*parts, (b"XMP ", packet)])


def webp_xmp(data: bytes) -> bytes:
    """Return the XMP packet of a WebP, empty where it has none."""
    return next((data[p.body : p.body_end] for p in webp_parts(data) if p.kind == b"XMP "), b"")


def guid(extended: bytes) -> str:
    """Return the name under which a JPEG's extended XMP is referred to (the specification wants MD5)."""
    return hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()


def _orientation_only(data: bytes, format: str) -> bytes:
    """Return an EXIF block with nothing but the orientation, empty where the picture lies upright."""
    turned = orientation(DECODERS[format](BytesIO(data)))
    if turned not in range(2, 9):
        return b""
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    return exif.tobytes()


def _keyword(data: bytes, part: Part) -> str:
    return data[part.body : min(part.body + 80, part.body_end)].partition(b"\0")[0].decode("latin-1")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _jpeg_keeps(part: Part, data: bytes) -> bool:
    kind = part.kind[0]
    if kind == 0xE2:
        return data.startswith(b"ICC_PROFILE\0", part.body)
    if kind == 0xEE:
        return data.startswith(b"Adobe", part.body)  # says how the colours are coded
    if kind == 0xE0:
        return data.startswith(b"JFIF\0", part.body)
    return kind != 0xFE and not 0xE0 <= kind <= 0xEF


def _vp8x(parts: list[tuple[bytes, bytes]], size: tuple[int, int]) -> bytes:
    alpha = any(k == b"VP8L" and len(b) > 4 and b[4] & 0x10 for k, b in parts)
    sides = [(side - 1).to_bytes(3, "little") for side in size]
    return struct.pack("<I", _WEBP_ALPHA if alpha else 0) + sides[0] + sides[1]


def _with_flags(body: bytes, on: int, off: int = 0) -> bytes:
    return bytes([body[0] & ~off | on]) + body[1:]


def _webp_file(parts: list[tuple[bytes, bytes]]) -> bytes:
    chunks = b"".join(k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for k, b in parts)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
