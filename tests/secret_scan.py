"""Looks for keys in texts, files and folders: plain, percent-encoded, in base64 wherever it begins, and in halves."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import secrets
import string
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LETTERS = string.ascii_letters + string.digits


def canary() -> str:
    """Return a key that exists nowhere else. It has signs that addresses must encode, and a header can hold it."""
    part = ["".join(secrets.choice(_LETTERS) for _ in range(20)) for _ in range(2)]
    return f"{part[0]}/+{part[1]}=="


def needles(key: str) -> dict[str, bytes]:
    """Return what to look for, by how it is written."""
    plain, half = key.encode(), len(key) // 2
    found = {
        "plain": plain,
        "first half": plain[:half],
        "second half": plain[half:],
        "percent-encoded": quote(key, safe="").encode(),
        "percent-encoded, small": quote(key, safe="").lower().encode(),
        "in a form": quote_plus(key).encode(),
        "in JSON": plain.replace(b"/", b"\\/"),
        "in UTF-16": key.encode("utf-16-le"),
    }
    for before in range(3):
        text = base64.b64encode(b"\0" * before + plain)
        inner = text[(8 * before + 5) // 6 : (before + len(plain)) * 8 // 6]
        found[f"base64, {before} behind"] = inner
        found[f"base64 for addresses, {before} behind"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


class SecretScan:
    """Finds any of some keys, each by its name."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self.keys = dict(keys)
        self._needles = [(f"{name}: {how}", one) for name, key in keys.items() for how, one in needles(key).items()]

    def find(self, data: bytes | str) -> list[str]:
        """Return what stands in ``data``, and in what is packed in it."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return sorted({what for part in _unpacked(raw) for what, needle in self._needles if needle in part})

    def find_in(self, *places: Path) -> dict[str, list[str]]:
        """Return what stands in which file of the folders (or files) ``places``; names of files are looked at too."""
        found = {}
        for place in places:
            for path in [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file()):
                if hits := self.find(path.read_bytes()) + self.find(str(path)):
                    found[str(path)] = hits
        return found

    def find_among(self, texts: Iterable[tuple[str, str | bytes]]) -> dict[str, list[str]]:
        """Return what stands in which of the named texts."""
        return {name: hits for name, text in texts if (hits := self.find(text))}


def _unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield ``data`` and what it packs: ZIP members, gzip, and zlib streams such as the texts of a PNG."""
    yield data
    if depth == 2:
        return
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield member.encode()
                yield from _unpacked(archive.read(member), depth + 1)
    elif data[:2] == b"\x1f\x8b":
        yield from _unpacked(gzip.decompress(data), depth + 1)
    elif data[:4] == b"\x89PNG":
        for start in (b"\x78\x9c", b"\x78\xda", b"\x78\x01"):
            at = data.find(start)
            while at >= 0:
                with contextlib.suppress(zlib.error):
                    yield zlib.decompressobj().decompress(data[at:], 2**20)
                at = data.find(start, at + 1)
