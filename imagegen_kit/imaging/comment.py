"""The ``parameters`` text of JPEG and WebP files: image tools look for it in EXIF, as the user's comment."""

from __future__ import annotations

from io import BytesIO

from imagegen_kit.imaging import remux
from imagegen_kit.imaging.decode import DAMAGE, DECODERS

_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_UNICODE, _ASCII = b"UNICODE\0", b"ASCII\0\0\0"
ROOM = 60_000  # bytes of EXIF: a JPEG segment holds 65,533


def with_comment(data: bytes, format: str, text: str) -> bytes:
    """Return the JPEG or WebP with ``text`` as its user comment, cut to what fits; other EXIF stays.

    EXIF that cannot be read is left as it is, without a comment.
    """
    try:
        image = DECODERS[format](BytesIO(data))
        exif = image.getexif()
        ifd = exif.get_ifd(_EXIF_IFD)
        ifd.pop(_USER_COMMENT, None)
        room = ROOM - len(exif.tobytes())
        coded = text.encode("utf-16-be", errors="replace")[: max(0, room - room % 2)]
        if not coded:
            return data
        ifd[_USER_COMMENT] = _UNICODE + coded
        block = exif.tobytes()
    except DAMAGE:
        return data
    return remux.with_exif(data, format, block, image.size)


def comment(data: bytes, format: str) -> str | None:
    """Return the user comment of a JPEG or WebP, None where there is none that can be read."""
    try:
        found = DECODERS[format](BytesIO(data)).getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
        if isinstance(found, str):
            return found or None
        if not isinstance(found, bytes):
            return None
        if found.startswith(_UNICODE):
            body = found.removeprefix(_UNICODE)
            little = body[1::2].count(0) > body[::2].count(0)  # some write the order of the machine
            return body.decode("utf-16-le" if little else "utf-16-be", errors="replace").strip("\0") or None
        return found.removeprefix(_ASCII).decode(errors="replace").strip("\0 ") or None
    except DAMAGE:
        return None
