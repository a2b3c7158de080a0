"""Where objects lie: the address of an object storage, and which names objects may have in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.settings import remote_faults, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BYTES = 900  # S3 takes 1024 with the prefix; rclone and file systems less a segment
MOST_BYTES_A_PART = 240
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Address:
    """``scheme`` (s3, gs, file, memory), ``bucket`` (a folder for file, any label for memory) and ``prefix``."""

    scheme: str
    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read ``s3://bucket/prefix``; a bucket that is not named is ``S3_BUCKET_NAME``. Raises InvalidInput."""
        if faults := remote_faults(url):
            raise InvalidInput(faults)
        scheme, _, rest = url.partition("://")
        if scheme == "file":
            folder = unquote(rest)
            if not folder.startswith("/"):
                raise InvalidInput([Fault("remote", "it names no folder.", "Write file:///folder, three slashes.")])
            return cls("file", folder.rstrip("/") or "/")
        bucket, _, prefix = rest.partition("/")
        prefix = unquote(prefix).rstrip("/")
        if scheme == "s3" and not bucket:
            bucket = variable("S3_BUCKET_NAME") or ""
        if scheme != "memory" and not _BUCKET.fullmatch(bucket):
            what = f"{bucket[:80]!r} is not a bucket's name." if bucket else "it names no bucket."
            raise InvalidInput([Fault("remote", what, f'Write "{scheme}://bucket/prefix", or set S3_BUCKET_NAME.')])
        if prefix and (faults := name_faults(prefix, "remote")):
            raise InvalidInput(faults)
        return cls(scheme, bucket, prefix)

    def __str__(self) -> str:
        place = f"{self.scheme}://{self.bucket}"
        return f"{place}/{self.prefix}" if self.prefix else place

    def key(self, name: str) -> str:
        """Return the object's whole name in its bucket."""
        return f"{self.prefix}/{name}" if self.prefix else name


def name_faults(name: object, where: str = "name") -> list[Fault]:
    """Return what is wrong with an object's name: it is a relative path that every storage keeps as it is."""
    if not isinstance(name, str):
        return [Fault(where, f"a {type(name).__name__} is not an object's name.", 'Write it like "images/42.jpg".')]
    shown, parts = repr(name[:80]), name.split("/")
    if not name:
        return [Fault(where, "it is empty.", 'Write it like "images/42.jpg".')]
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return [Fault(where, f"{shown} holds a control character or half of a character.", "Leave it out.")]
    if "" in parts:
        return [Fault(where, f"{shown} begins or ends with a slash, or holds two together.", "Use single slashes.")]
    if "." in parts or ".." in parts:
        return [Fault(where, f"{shown} holds '.' or '..', which would lead out of its place.", "Name it directly.")]
    size, longest = len(name.encode()), max(len(p.encode()) for p in parts)
    if size > MOST_BYTES or longest > MOST_BYTES_A_PART:
        what = f"{shown}… has {size} bytes, {longest} of them between two slashes."
        return [Fault(where, what, f"Storages take {MOST_BYTES} and {MOST_BYTES_A_PART}.")]
    return []


def check_names(names: Sequence[object], where: str = "names") -> None:
    """Raise InvalidInput with everything wrong with ``names``, each of which may be there only once."""
    faults = [f for i, name in enumerate(names, 1) for f in name_faults(name, f"{where} {i}")]
    if not faults:
        twice = sorted({str(n) for n in names if names.count(n) > 1})
        faults = [Fault(where, f"{n[:80]!r} is there twice: one would replace the other.") for n in twice[:5]]
    if faults:
        raise InvalidInput(faults)
