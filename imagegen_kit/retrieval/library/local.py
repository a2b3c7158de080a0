"""Addresses of files on this machine, ``file:///photos``, as the paths that they are."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import unquote

_SCHEME: Final = "file://"
_HOSTS: Final = ("", "localhost")


def local(source: str | os.PathLike[str]) -> str:
    """Return the path of a ``file://`` address of this machine, with %-escapes decoded; whatever else as it is."""
    text = os.fspath(source)
    if text[: len(_SCHEME)].lower() != _SCHEME:
        return text
    host, slash, rest = text[len(_SCHEME) :].partition("/")
    if not slash or host.lower() not in _HOSTS:
        return text
    return unquote(slash + rest, errors="surrogateescape")  # a name that is not UTF-8 stays the file's name
