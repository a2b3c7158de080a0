"""Bodies read up to a limit: what arrives and what it unpacks to are both counted, whatever the headers claim."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PACKED = "gzip, deflate"  # the encodings that ``read_body`` unpacks; a request that asks for others is not read here
_ANY_ZLIB = 47  # zlib's word for "gzip or zlib, whichever it is"
_PACKED_NAMES = ("gzip", "x-gzip", "deflate")


class TooLarge(Exception):
    """A body that is longer than was allowed; reading has stopped."""


class Unreadable(Exception):
    """A body in an encoding that was not asked for, or whose packing is broken."""


async def read_body(pieces: AsyncIterator[bytes], encoding: str, most: int, claimed: str = "") -> bytes:
    """Return the body that arrives in ``pieces``, unpacked where ``encoding`` (the header's words) says that it is.

    ``most`` bounds the bytes received as well as the bytes after unpacking: never more than one piece beyond it is
    held. ``claimed`` is the Content-Length; one above ``most`` is believed, any other only bounds nothing. Raises
    TooLarge and Unreadable.
    """
    if claimed.strip().isdecimal() and int(claimed) > most:
        raise TooLarge
    how = encoding.strip().lower()
    if how not in ("", "identity", *_PACKED_NAMES):
        raise Unreadable(f"it is packed in a way that was not asked for ({how[:40]})")
    packed = zlib.decompressobj(_ANY_ZLIB) if how in _PACKED_NAMES else None
    kept: list[bytes] = []
    received = held = 0
    async for piece in pieces:
        received += len(piece)
        if received > most:
            raise TooLarge
        part = piece
        if packed is not None and piece:
            try:
                part = packed.decompress(piece, most - held + 1)
            except zlib.error:
                raise Unreadable("it is said to be packed, and cannot be unpacked") from None
        held += len(part)
        if held > most:
            raise TooLarge
        kept.append(part)
    if packed is not None and received and not packed.eof:
        raise Unreadable("it is packed, and ends too early")
    return b"".join(kept)
