"""Turn bytes from anywhere into a sound picture, or say in plain words why not.

The header is judged before a decoder allocates memory; then ``verify`` and a full ``load`` run on separate handles, for
each finds what the other misses (measured with Pillow 13: ``load`` accepts a PNG without its last 12 bytes, ``verify``
accepts any cut JPEG). A single changed byte in a JPEG passes both: only a digest finds that.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageFile, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.containers import PNG_SIGNATURE, Crowded, Cut, container, dimensions, jpeg_parts, survey

if TYPE_CHECKING:
    from collections.abc import Callable

ALLOWED = ("PNG", "JPEG", "WEBP")
# The classes themselves, not Image.open: no other decoder can be reached, Pillow's process-wide pixel limit (a warning
# that cannot be turned into an error safely in threads) is replaced by ours, and phone photos with a second picture
# inside (depth, gain map) stay plain JPEGs.
DECODERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
}
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,  # where the caller turned warnings into errors
)
ORIENTATION = 0x0112  # the EXIF tag
_SAVE_AS = "Save it as PNG, JPEG or WebP."
_AGAIN = "Download or copy it again."
_OTHER_FORMATS = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"%PDF", "a PDF document"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest file, picture (pixels of one frame), number of frames and amount of text that is accepted."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_frames: int = 1
    max_text_bytes: int = 2**20


DEFAULT = Limits()
# libwebp holds three further copies of the pixels while it decodes: 50 megapixels took 814 MiB, 25 take 430.
_MORE_MEMORY = {"webp": 2}
# Each scan of a progressive JPEG goes over the whole picture and may be 26 bytes long: a file of 1 MB could keep a
# decoder busy for half an hour. Encoders write about ten, and so many more are gone through in a smaller picture.
MAX_SCANS = 16


def peek(data: bytes, *, where: str = "picture") -> tuple[str, int, int]:
    """Return (format, width, height) from the header alone; format is "png", "jpeg" or "webp".

    Says nothing of the rest of the file. Raises InvalidInput for anything that is no such picture.
    """
    format = container(data)
    if format is None:
        raise _refused(where, *_what_it_is(data))
    try:
        width, height = dimensions(data, format)
    except Cut as error:
        raise _refused(where, f"the {format.upper()} file ends within its header.", _AGAIN) from error
    if not width or not height:
        raise _refused(where, f"the {format.upper()} file is {width}×{height} pixels, so there is nothing in it.")
    return format, width, height


def open_sound(
    data: bytes, *, where: str = "picture", limits: Limits = DEFAULT, upright: bool = False, draft: int | None = None
) -> Image.Image:
    """Return the picture in ``data``, fully loaded (of an animation that ``limits`` allow, its first frame).

    ``upright`` turns it as its EXIF orientation says: wanted for photos that people give, pointless for results.
    ``draft``: where a copy with sides of that many pixels will do, a larger JPEG is decoded at a fraction of its size.
    Raises InvalidInput, with ``where`` in its fault, for bytes that are no whole PNG, JPEG or WebP within ``limits``.
    """
    if len(data) > limits.max_bytes:
        what = f"the file is larger than {limits.max_bytes / 2**20:g} MiB, the most that is read."
        raise _refused(where, what, "Save it smaller.")
    format, width, height = peek(data, where=where)
    name = format.upper()
    most = limits.max_pixels // _MORE_MEMORY.get(format, 1)
    if width * height > most:
        what = f"{width}×{height} pixels are {width * height / 1e6:.0f} megapixels;"
        raise _refused(where, f"{what} at most {most / 1e6:g} are opened of a {name}.", "Scale it down first.")
    try:
        found = survey(data, format)
    except Cut as error:
        raise _refused(where, f"the {name} file ends too early: a part of it is missing.", _AGAIN) from error
    except Crowded as error:
        raise _refused(where, f"the {name} file is cut into more parts than any program writes.", _SAVE_AS) from error
    if found.frames > limits.max_frames:
        what = f"the {name} file is animated ({found.frames} frames)."
        raise _refused(where, what, "Save the frame you mean as a picture of its own.")
    if found.scans * width * height > MAX_SCANS * limits.max_pixels:
        raise _refused(where, f"the {name} file draws its {width}×{height} pixels in {found.scans} passes.", _SAVE_AS)
    if found.text_bytes > limits.max_text_bytes:
        what = f"the {name} file carries {found.text_bytes / 2**20:.1f} MiB of text beside the picture."
        raise _refused(where, what, "Save it again without metadata.")
    try:
        image = _verified(data, format)
        if image.size != (width, height):  # several headers in one file: the size that was judged is not this one
            raise ValueError("its headers disagree about the size")
        if draft is not None:
            image.draft(None, (draft, draft))  # only the JPEG decoder can; the others do nothing
        image.load()
    except MemoryError as error:
        raise _refused(where, f"{width}×{height} pixels do not fit into memory.", "Scale it down first.") from error
    except DAMAGE as error:
        raise _refused(where, f"the {name} file is damaged ({_short(error)}).", _AGAIN) from error
    return turned_upright(image) if upright else image


def _verified(data: bytes, format: str) -> ImageFile.ImageFile:
    """Return the verified picture, not loaded yet."""
    try:
        DECODERS[format](BytesIO(data)).verify()
        return DECODERS[format](BytesIO(data))
    except Warning:  # where warnings are errors, unreadable EXIF is one; it is no reason to refuse the pixels
        if format != "jpeg":
            raise
        kept = [data[p.start : p.end] for p in jpeg_parts(data) if not data.startswith(b"Exif\0", p.body)]
        return JpegImageFile(BytesIO(data[:2] + b"".join(kept)))


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of ``image``, 1 (upright) to 8; 1 where it has none or where it cannot be read."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except DAMAGE:
        return 1
    return found if found in range(2, 9) else 1


def turned_upright(image: Image.Image) -> Image.Image:
    """Return ``image`` as its EXIF orientation says; unchanged where it lies upright."""
    if orientation(image) == 1:
        return image
    try:
        return ImageOps.exif_transpose(image)
    except DAMAGE:  # the orientation could be read, but not the rest of the EXIF block that has to be written anew
        return image


def _refused(where: str, what: str, hint: str = "") -> InvalidInput:
    return InvalidInput([Fault(where, what, hint)])


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


def _what_it_is(data: bytes) -> tuple[str, str]:
    """Name in words what ``data`` is instead of a picture, and what to do about it."""
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    other = next((name for start, name in _OTHER_FORMATS if data.startswith(start)), None)
    if data[4:8] == b"ftyp":
        other = {b"avif": "an AVIF picture", b"heic": "a HEIC photo"}.get(data[8:12], "a film or a HEIF photo")
    if not data:
        answer = "the file is empty.", _AGAIN
    elif other:
        answer = f"this is {other}, which is not opened here.", _SAVE_AS
    elif head.startswith(b"<") and b"<svg" in head:
        answer = "this is an SVG drawing, not a picture made of pixels.", "Export it as PNG."
    elif head.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<!--")):
        answer = (
            "this is a web page (HTML or XML), not a picture.",
            "Open its address in a browser to see what it says.",
        )
    elif head.startswith((b"{", b"[")):
        answer = "this is JSON text, not a picture.", "Perhaps a service's error message was saved as a picture."
    elif any(start.startswith(data) for start in (PNG_SIGNATURE, b"\xff\xd8\xff")) or data.startswith(b"RIFF"):
        answer = "the file ends within its first bytes, or is no picture.", _AGAIN
    else:
        answer = "this is not a PNG, JPEG or WebP picture.", _SAVE_AS
    return answer
