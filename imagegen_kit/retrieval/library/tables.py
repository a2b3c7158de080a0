"""A library as a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.retrieval.library.rows import Row

_TEXTS = (
    "id",
    "name",
    "role",
    "caption",
    "description",
    "licence",
    "format",
    "path",
    "sha256",
    "added_at",
    "changed_at",
)
_LISTS = ("tags", "variations")
_COLUMNS = (
    "id", "name", "role", "caption", "description", "tags", "variations", "licence", "format", "width", "height",
    "path", "sha256", "added_at", "changed_at",
)  # fmt: skip


def table_of(rows: list[Row], folder: Path) -> pd.DataFrame:
    """Return one row a picture, ``path`` absolute, a further column for each key of what was said beside."""
    import pandas as pd

    plain = []
    for row in rows:
        known = {name: getattr(row, name) for name in _COLUMNS}
        known |= {"path": row.item(folder).path, "tags": list(row.tags), "variations": list(row.variations)}
        plain.append({**{k: v for k, v in row.meta.items() if k not in known}, **known})
    extra = sorted({key for one in plain for key in one} - set(_COLUMNS))
    texts = [name for name in _COLUMNS if name not in (*_LISTS, "width", "height")]
    found = pd.DataFrame(plain, columns=[*_COLUMNS, *extra])
    return found.astype({**dict.fromkeys(texts, "string"), "width": "Int64", "height": "Int64"})
