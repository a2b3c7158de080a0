"""Builders of sound and hostile pictures for tests, all made here from nothing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
FORMATS = ("png", "jpeg", "webp")


def textured(width: int = 160, height: int = 120, mode: str = "RGB") -> Image.Image:
    """A picture with enough detail that no format can shrink it to nothing."""
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def photo_like(side: int = 1024) -> Image.Image:
    """Soft areas with grain, which cost about what a photo costs to decode."""
    rng = np.random.default_rng(1)
    soft = Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).resize((side, side), Image.BICUBIC)
    grain = rng.integers(-12, 12, (side, side, 3))
    return Image.fromarray((np.asarray(soft).astype(int) + grain).clip(0, 255).astype(np.uint8))


def encoded(format: str, image: Image.Image | None = None, **options: object) -> bytes:
    out = BytesIO()
    (image or textured()).save(out, format.upper(), **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(*chunks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    """A valid small PNG with ``chunks`` between its header and its pixels."""
    rows = (b"\0" + b"\x80" * 3 * size[0]) * size[1]
    return PNG_SIGNATURE + ihdr(*size) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes whose header claims a huge picture."""
    return PNG_SIGNATURE + ihdr(width, height) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(encoded("jpeg"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_claiming(width: int, height: int) -> bytes:
    body = struct.pack("<I", 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    rest = encoded("webp")[12:]
    return b"RIFF" + struct.pack("<I", 4 + 18 + len(rest)) + b"WEBPVP8X" + struct.pack("<I", 10) + body + rest


def flat_bomb(side: int = 12_000) -> bytes:
    """A whole, honest PNG of side × side grey pixels in about 140 KB."""
    packer = zlib.compressobj(9)
    row = b"\0" * (side + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return PNG_SIGNATURE + ihdr(side, side, colour=0) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def animated_png(frames: int = 200, side: int = 2000) -> bytes:
    """An animation whose frames would decode to frames × side × side × 4 bytes."""
    packed = zlib.compress((b"\0" + b"\x40" * 3 * side) * side, 9)
    parts = [ihdr(side, side), chunk(b"acTL", struct.pack(">II", frames, 0))]
    number = 0
    for frame in range(frames):
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, side, side, 0, 0, 1, 10, 0, 0)))
        number += 1
        if frame == 0:
            parts.append(chunk(b"IDAT", packed))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number) + packed))
            number += 1
    return PNG_SIGNATURE + b"".join(parts) + chunk(b"IEND", b"")


def animated_webp(frames: int = 3) -> bytes:
    pictures = [Image.new("RGB", (32, 32), (80 * n, 10, 10)) for n in range(frames)]
    return encoded("webp", pictures[0], save_all=True, append_images=pictures[1:])


def text_bomb(kind: bytes, megabytes: int = 50) -> bytes:
    """A PNG with a small chunk that unpacks to ``megabytes``."""
    packed = zlib.compress(b"\0" * (megabytes * 2**20), 9)
    return png(chunk(kind, b"name\0\0" + packed))


def drawing(
    *,
    width: int = 18,
    ink: tuple[int, int, int] = (40, 40, 40),
    paper: tuple[int, int, int] = (252, 252, 250),
    hatching: int = 0,
    side: int = 1024,
) -> Image.Image:
    """A simple figure drawn in strokes of ``width`` (for a side of 1024), with ``hatching`` thin strokes inside."""
    scale = side / 1024
    image = Image.new("RGB", (side, side), paper)
    draw = ImageDraw.Draw(image)
    stroke = max(1, round(width * scale))

    def at(*values: float) -> list[float]:
        return [value * scale for value in values]

    draw.ellipse(at(262, 200, 762, 700), outline=ink, width=stroke)
    draw.line(at(380, 700, 330, 940), fill=ink, width=stroke)
    draw.line(at(640, 700, 700, 940), fill=ink, width=stroke)
    draw.ellipse(at(400, 360, 450, 430), fill=ink)
    draw.ellipse(at(570, 360, 620, 430), fill=ink)
    draw.arc(at(400, 420, 620, 600), 20, 160, fill=ink, width=stroke)
    rng = np.random.default_rng(3)
    for _ in range(hatching):
        x, y, angle = *rng.uniform(230, 780, 2), rng.uniform(0, 6.28)
        end = at(x, y, x + 60 * np.cos(angle), y + 60 * np.sin(angle))
        draw.line(end, fill=(60, 60, 60), width=max(1, round(4 * scale)))
    return image


NO_PICTURES = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "json": b'{"error": {"message": "quota"}}',
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
    "text": b"just some words",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "tiff": b"II*\0" + b"\0" * 40,
    "heic": b"\0\0\0\x18ftypheic" + b"\0" * 40,
    "zeros": b"\0" * 100,
    "png signature only": PNG_SIGNATURE,
    "half a png signature": PNG_SIGNATURE[:5],
    "jpeg mark only": b"\xff\xd8\xff",
    "webp name only": b"RIFF\x10\0\0\0WEBP",
}


def cuts(data: bytes, count: int = 40) -> Iterator[bytes]:
    """``data`` cut at ``count`` places: half of them spread over the file, the others in its last bytes."""
    spread = [len(data) * n // (count // 2) for n in range(count // 2)]
    for end in spread + [len(data) - n for n in range(1, count - len(spread) + 1)]:
        yield data[:end]


def progressive_bomb(side: int = 7000, passes: int = 2000) -> bytes:
    """A JPEG of about 400 KB whose decoder goes over all its pixels again and again (0.05 s for each pass)."""
    data = encoded("jpeg", Image.new("RGB", (side, side), (9, 9, 9)), progressive=True)
    starts = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    last, end = starts[-1], len(data) - 2
    return data[:last] + data[last:end] * passes + data[end:]


def crowd(format: str, parts: int = 200_000) -> bytes:
    """A sound picture with very many empty parts in it."""
    data = encoded(format)
    if format == "png":
        return data[:33] + chunk(b"teXt", b"") * parts + data[33:]
    if format == "jpeg":
        return data[:2] + b"\xff\xe9\x00\x02" * parts + data[2:]
    body = data[12:] + b"JUNK\0\0\0\0" * parts
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def flipped(data: bytes, at: float) -> bytes:
    """``data`` with one bit changed, at this share of its length."""
    changed = bytearray(data)
    changed[int(len(data) * at)] ^= 0x10
    return bytes(changed)


# Files that no look at their bytes can tell from a good one, and why they do no harm.
UNDETECTABLE = {
    "jpeg bit flip early": "a changed byte in coded pixels is another picture; only a digest knows",
    "jpeg bit flip late": "a changed byte in coded pixels is another picture; only a digest knows",
    "webp bit flip": "lossy WebP has no checksums either",
    "png and zip": "a whole picture; what stands behind it is never read, and gone in every derived file",
    "png and html": "a whole picture; what stands behind it is never read, and gone in every derived file",
    "jpeg and zip": "a whole picture; what stands behind it is never read, and gone in every derived file",
    "jpeg with a page as comment": "a whole picture; the comment is text, never shown as HTML",
    "text chunk of 900 KB": "below the limit of 1 MiB of text",
}


@cache
def hostile() -> dict[str, bytes]:
    """Return sixty files, by what is wrong with them, that should not become a result."""
    png_, jpeg, webp = (encoded(format) for format in FORMATS)
    page = b"<html><script>alert(1)</script></html>"
    zip_ = b"PK\x03\x04" + b"\0" * 26 + b"PK\x05\x06" + b"\0" * 18
    files: dict[str, bytes] = {name: data for name, data in NO_PICTURES.items() if name != "zeros"}
    files |= {
        "error body with a picture's type": b'{"error":{"code":429,"message":"Resource exhausted"}}',
        "page of a gateway": b"<html><head><title>502 Bad Gateway</title></head></html>",
        "html with an image inside": b"<!doctype html>" + png_,
        "gif named png": encoded("gif"),
        "bmp named png": encoded("bmp"),
        "tiff named jpeg": encoded("tiff"),
        "icon named png": encoded("ico"),
        "avif named webp": b"\0\0\0\x1cftypavif" + b"\0" * 200,
        "postscript that reads a file": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file 1000 string readstring pop ==\n",
        "svg with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "png of 20000 pixels": png_claiming(20_000, 20_000),
        "png of 2^31 pixels": png_claiming(2**31 - 1, 2**31 - 1),
        "png of no pixels": png_claiming(0, 0),
        "png of 9000 pixels": png_claiming(9_000, 9_000),
        "jpeg of 60000 pixels": jpeg_claiming(60_000, 60_000),
        "jpeg of no pixels": jpeg_claiming(0, 0),
        "webp of 16000 pixels": webp_claiming(16_000, 16_000),
        "webp whose canvas is another": webp_claiming(4_000, 4_000),
        "flat bomb": flat_bomb(),
        "progressive bomb": progressive_bomb(),
        "crowd of png chunks": crowd("png"),
        "crowd of jpeg segments": crowd("jpeg"),
        "crowd of webp chunks": crowd("webp"),
        "animated png": animated_png(),
        "png that claims a million frames": png(chunk(b"acTL", struct.pack(">II", 10**6, 0))),
        "animated webp": animated_webp(),
        "ztxt bomb": text_bomb(b"zTXt"),
        "iccp bomb": text_bomb(b"iCCP"),
        "eighty ztxt": png(*[chunk(b"zTXt", b"n\0\0" + zlib.compress(b"\0" * 2**20))] * 80),
        "text chunk of 5 MB": png(chunk(b"tEXt", b"note\0" + b"x" * 5_000_000)),
        "text chunk of 900 KB": png(chunk(b"tEXt", b"note\0" + b"x" * 900_000)),
        "itxt of 5 MB": png(chunk(b"iTXt", b"note\0\0\0\0\0" + b"x" * 5_000_000)),
        "two headers": png(ihdr(30_000, 30_000)),
        "png with a wrong checksum": png_[:29] + b"\0\0\0\0" + png_[33:],
        "png without pixels": PNG_SIGNATURE + ihdr(8, 8) + chunk(b"IEND", b""),
        "png whose pixels are no zlib": PNG_SIGNATURE + ihdr(8, 8) + chunk(b"IDAT", b"x" * 99) + chunk(b"IEND", b""),
        "png of a strange colour type": PNG_SIGNATURE + ihdr(8, 8, colour=5) + chunk(b"IEND", b""),
        "png chunk of 2 GB": PNG_SIGNATURE + ihdr(8, 8) + struct.pack(">I", 2**31 - 1) + b"IDAT" + b"\0" * 99,
        "png bit flip": flipped(png_, 0.5),
        "png bit flip late": flipped(png_, 0.9),
        "jpeg bit flip early": flipped(jpeg, 0.4),
        "jpeg bit flip late": flipped(jpeg, 0.9),
        "webp bit flip": flipped(webp, 0.7),
        "png without its end": png_[:-12],
        "png cut in its end": png_[:-5],
        "jpeg without its end": jpeg[:-2],
        "webp cut in half": webp[: len(webp) // 2],
        "jpeg of two halves": jpeg[: len(jpeg) // 2] + png_,
        "png and zip": png_ + zip_,
        "png and html": png_ + page,
        "jpeg and zip": jpeg + zip_,
        "jpeg with a page as comment": encoded("jpeg", comment=page),
        "riff that is sound": b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + b"\0" * 28,
        "webp that claims 4 GB": webp[:4] + b"\xff\xff\xff\xff" + webp[8:],
    }
    return files


@cache
def largest() -> dict[str, bytes]:
    """Return the costliest honest pictures that are still accepted: what a decoder may be made to do at most."""
    return {
        "largest png": encoded("png", Image.new("RGBA", (7000, 7000), (10, 20, 30, 128)), compress_level=1),
        "largest jpeg": encoded("jpeg", Image.new("RGB", (7000, 7000), (10, 20, 30)), progressive=True),
        "largest webp": encoded("webp", Image.new("RGBA", (4990, 4990), (10, 20, 30, 128)), method=0, lossless=True),
    }
