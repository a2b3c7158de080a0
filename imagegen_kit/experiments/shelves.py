"""Libraries in experiment files: ``library: refs``, ``{path: refs, embedder: clip}``, ``{$query: refs, top_k: 2}``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.retrieval.library.query import LibraryQuery, checked_query
from imagegen_kit.retrieval.place import EMBEDDER, SHIPPED, place_of

if TYPE_CHECKING:
    from collections.abc import Callable


def library_to_plain(value: Any, plain: Callable[[Any], Any]) -> Any:
    """Return a library, its place or a query as a file holds it; ``plain`` writes the parts of a query down."""
    if isinstance(value, LibraryQuery):
        more = {"top_k": value.top_k, **({} if value.text is None else {"text": value.text})}
        return {"$query": library_to_plain(value.library, plain), **more, **plain(dict(value.brief))}
    place = place_of(value, look=False)
    return place.path if place.embedder == EMBEDDER else {"path": place.path, "embedder": place.embedder}


def query_from_plain(library: Any, top_k: int = 3, text: str | None = None, **brief: Any) -> LibraryQuery:
    """Return the query that stands in a file as ``{$query: library, top_k: 2, where: …}``."""
    return checked_query(library, None, top_k, text, brief)


def placed_libraries(values: dict[str, Any], folder: Path) -> None:
    """Let the libraries in ``values`` lie beside the file that names them, where they do."""
    if "library" in values:
        values["library"] = _placed(values["library"], folder)
    given = values.get("references")
    if isinstance(given, (list, LibraryQuery)):
        values["references"] = _queries(given, folder)


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, list):  # an axis
        return [_placed(one, folder) for one in value]
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return {**value, "path": _placed(value["path"], folder)}
    if isinstance(value, str) and value != SHIPPED and (folder / value).exists():
        return str(folder / value)
    return value


def _queries(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_queries(one, folder) for one in value]
    if not isinstance(value, LibraryQuery):
        return value
    return LibraryQuery(_placed(value.library, folder), value.top_k, value.text, value.brief)
