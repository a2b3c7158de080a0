"""Rows of the table ``items``, to and from values, and the state that they add up to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.base import Item
from imagegen_kit.types.common import ROLES, empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = (
    "number", "id", "sha256", "path", "format", "width", "height", "role", "name", "caption", "description", "tags",
    "variations", "licence", "meta", "size_bytes", "dhash", "phash", "added_at", "changed_at",
)  # fmt: skip
SELECT = f"SELECT {', '.join(COLUMNS)} FROM items"
INSERT = f"INSERT INTO items ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_MODULUS = 2**256


@dataclass(frozen=True, slots=True)
class Row:
    """One picture as the database holds it. ``path`` is relative, with slashes, where it lies in the library's folder.

    ``dhash`` and ``phash`` are unsigned 64-bit numbers; times are ISO 8601 in UTC.
    """

    number: int
    id: str
    sha256: str
    path: str
    format: str
    width: int
    height: int
    role: str = "content"
    name: str | None = None
    caption: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    licence: str | None = None
    meta: Mapping[str, Any] = field(default_factory=empty)
    size_bytes: int = 0
    dhash: int = 0
    phash: int = 0
    added_at: str = ""
    changed_at: str = ""

    @classmethod
    def read(cls, values: Sequence[Any]) -> Row:
        """Return the row of one line of ``SELECT``. Raises ValueError, TypeError or KeyError where it is damaged."""
        plain = dict(zip(COLUMNS, values, strict=True))
        if bytes in map(type, values) or plain["role"] not in ROLES:
            raise ValueError("a byte was changed")
        for name in ("tags", "variations"):
            plain[name] = tuple(json.loads(plain[name]))
        plain["meta"] = dict(json.loads(plain["meta"]))
        for name in ("dhash", "phash"):
            plain[name] %= 2**64
        return cls(**plain)

    def values(self) -> tuple[Any, ...]:
        """Return what ``INSERT`` wants."""
        return tuple(_stored(name, getattr(self, name)) for name in COLUMNS)

    def digest(self) -> int:
        """Return a number of 256 bits that differs for every other content of the row; times are left out."""
        told = [_stored(name, getattr(self, name)) for name in COLUMNS if not name.endswith("_at")]
        text = json.dumps(told, ensure_ascii=True)
        return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest(), "big")

    def item(self, folder: Path) -> Item:
        """Return the row as retrievers see it, its path absolute."""
        return Item(
            self.number, self.id, self.sha256, os.path.join(folder, self.path), self.format, self.width, self.height,
            self.role, self.name, self.caption, self.description, self.tags, self.variations, self.licence, self.meta,
        )  # fmt: skip


def _stored(name: str, value: Any) -> Any:
    if name in ("tags", "variations"):
        return json.dumps(value, ensure_ascii=False)
    if name == "meta":
        return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)
    if name in ("dhash", "phash") and value >= 2**63:
        return value - 2**64  # SQLite's integers have a sign
    return value


def moved_state(state: str, gone: Sequence[Row], come: Sequence[Row]) -> str:
    """Return the 64 hex digits of the state after some rows went and others came.

    It is the sum of the rows' digests: the same rows add up to the same state, in whatever order they came.
    """
    total = int(state, 16) - sum(row.digest() for row in gone) + sum(row.digest() for row in come)
    return f"{total % _MODULUS:064x}"


EMPTY_STATE = "0" * 64


def stored_path(path: Path, folder: Path) -> str:
    """Return ``path`` as it is kept: relative to ``folder``, with slashes, where it lies in it; else absolute."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path)
