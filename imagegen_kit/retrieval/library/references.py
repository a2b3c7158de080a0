"""From items to the references that models are given, and from names to items."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, UnknownName
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Item
    from imagegen_kit.retrieval.library.records import Records
    from imagegen_kit.retrieval.library.rows import Row


def reference_of(item: Item, score: float | None = None) -> Reference:
    """Return the item as a reference, without reading its file; ``origin`` is its id."""
    picture = _picture(item.sha256, item.format, item.width, item.height, item.path)
    return Reference(
        picture, role=item.role, name=item.name, description=item.description, origin=item.id, score=score
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _picture(sha256: str, format: str, width: int, height: int, path: str) -> Picture:
    """Return what never differs for the same values, and holds no bytes; the same items are found again and again."""
    return Picture(sha256, "picture", format, width, height, None, path)


def row_of(records: Records, name: str, variation: str | None = None) -> Row:
    """Return the row whose id, or else whose name, is ``name``.

    ``variation`` is the id or the name of one of its variations, or the part of the id behind the slash; "ann/smiling"
    says the same in one text. Raises UnknownName with near names, InvalidInput where several pictures have the name.
    """
    if not isinstance(name, str):
        raise InvalidInput([Fault("name", f"{str(name)[:80]!r} is no name.", "Give the id or the name of a picture.")])
    row = records.one("id", name)
    if row is None:
        named = records.rows("removed = 0 AND name = ?", (name,))
        if len(named) > 1:
            ids = ", ".join(repr(row.id) for row in named[:8]) + (", …" if len(named) > 8 else "")
            raise InvalidInput([Fault("name", f"{len(named)} pictures are called {name!r}.", f"Use an id: {ids}.")])
        row = named[0] if named else None
    if row is None and variation is None and "/" in name:
        main, _, variation = name.rpartition("/")
        if _known(records, main):
            return row_of(records, main, variation)
    if row is None:
        raise UnknownName("picture of this library", name, _names(records))
    return row if variation is None else _variation(records, row, variation)


def _known(records: Records, name: str) -> bool:
    return bool(records.read("SELECT 1 FROM items WHERE removed = 0 AND (id = ? OR name = ?) LIMIT 1", (name, name)))


def _variation(records: Records, main: Row, wanted: str) -> Row:
    found: dict[str, Row] = {}
    for id in main.variations:
        row = records.one("id", id)
        if row is None:
            continue
        short = id.removeprefix(f"{main.id}/")
        if wanted in (id, short, row.name):
            return row
        found[short] = row
    raise UnknownName(f"variation of {main.id!r}", wanted, found)


def _names(records: Records) -> list[str]:
    lines = records.read("SELECT id, name FROM items WHERE removed = 0 LIMIT 20000")
    return [text for line in lines for text in line if text]
