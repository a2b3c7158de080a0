"""What is derived from the rows and kept on disk until they change: the lexical index and the learnt map."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError
from imagegen_kit.retrieval.index.files import sha256_of, write_whole
from imagegen_kit.retrieval.tuned import FIELD_WEIGHTS, WHOLE_WORDS

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.rows import Row

VERSION = 2  # of the code that makes the index of words and the learnt map: what an earlier one made is made anew
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, ImagegenError)


@cache
def made_how() -> str:
    """Return 8 hex digits that change with the code and the constants that these are made with."""
    told = repr((VERSION, sorted(FIELD_WEIGHTS.items()), WHOLE_WORDS))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def documents(rows: list[Row]) -> list[dict[str, str | list[str]]]:
    """Return what is searched by words: name, caption, description, tags, and the names of the folders of the file."""
    return [
        {
            "name": row.name or row.id,
            "caption": row.caption or "",
            "description": row.description or "",
            "tags": list(row.tags),
            "folder": folder_words(row.path),
        }
        for row in rows
    ]


def folder_words(path: str) -> str:
    """Return the names of the folders of a stored path; of one that lies outside the library, the last two."""
    parts = Path(path).parent.parts
    return " ".join(parts[-2:] if os.path.isabs(path) else parts)


def kept_on_disk(
    folder: Path,
    name: str,
    key: str,
    load: Callable[[Path], Any],
    make: Callable[[], tuple[Any, bool]],
    *,
    writable: bool,
) -> Any:
    """Return what lies in ``folder`` under ``name`` and ``key``; else make it, keep it, and delete those of other keys.

    ``make`` also says whether what it made belongs to ``key``: rows may have changed meanwhile, then it is not kept.
    A sha256 beside it says whether it is still what was written: one that is not is made again.
    """
    path = folder / f"{name}-{key}"
    mark = path.with_name(path.name + ".sha256")
    with contextlib.suppress(*_DAMAGE):
        if mark.read_text() == sha256_of(path):
            return load(path)
    made, belongs = make()
    if made is not None and writable and belongs:
        with contextlib.suppress(OSError, ImagegenError):  # a full disk: it is made again the next time
            _save(made, path, mark)
            for old in folder.glob(f"{name}-*"):
                if not old.name.startswith(path.name):
                    old.unlink(missing_ok=True)
    return made


def _save(made: Any, path: Path, mark: Path) -> None:
    told = write_whole(path, made.save).sha256
    write_whole(mark, lambda part: part.write_text(told))
