"""Recipe parameters as JSON and back, so that a run can be continued by another process.

Pictures are put into the store and named by their hash; styles are written out; prompts keep their category.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.retrieval.library.query import LibraryQuery
from imagegen_kit.retrieval.place import LibraryPlace, is_hits, is_library, recorded
from imagegen_kit.types import Artifact, Prompt, Reference, Size, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.store import Blobs

CELLS_PER_RUN = 2**32  # a cell's row id is its run's number times this, plus its position
MARK = "$"  # a dict with one of these keys is not a plain dict: {"$prompt": …}


def encode(value: Any, blobs: Blobs) -> Any:
    """Return ``value`` as JSON-ready data. Raises InvalidInput for what cannot be written down."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Prompt):
        if not (value.id or value.category or value.tags):
            return str(value)
        return {"$prompt": str(value), "id": value.id, "category": value.category, "tags": list(value.tags)}
    if isinstance(value, (list, tuple)) or is_hits(value):
        return [encode(v, blobs) for v in value]
    if isinstance(value, dict):
        return {str(k): encode(v, blobs) for k, v in value.items()}
    if isinstance(value, Style):
        return style_to_plain(value)
    if isinstance(value, Reference):
        plain = value.to_plain()
        return {"$reference": _put(value.picture, blobs), **{k: v for k, v in plain.items() if k != "picture"}}
    if isinstance(value, Size):
        return str(value)
    if isinstance(value, LibraryPlace):
        return value.to_plain()
    if isinstance(value, LibraryQuery):
        query = {"$query": recorded(value.library).to_plain(), "top_k": value.top_k, "text": value.text}
        return {**{k: v for k, v in query.items() if v is not None}, "brief": encode(dict(value.brief), blobs)}
    return _encode_other(value, blobs)


def as_recorded(name: str, value: Any) -> Any:
    """Return a parameter as it is to be encoded: a library that is given by its path is one too."""
    return recorded(value) if name == "library" and value is not None else value


def style_to_plain(style: Style) -> dict[str, Any]:
    """Return a style written out, ``{"$style": name, …}``."""
    parts = {
        "text": style.text, "negative": style.negative, "suffix": style.suffix, "name_aspect": style.name_aspect,
        "axes": {k: list(v) for k, v in (style.axes or {}).items()}, "checks": dict(style.checks or {}),
        "title": style.title,
    }  # fmt: skip
    return {"$style": style.name, **{k: v for k, v in parts.items() if v}}


def _encode_other(value: Any, blobs: Blobs) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a numpy number, as DataFrames hold them
        return encode(value.item(), blobs)
    if isinstance(value, Path):
        return encode(os.fspath(value), blobs)
    if is_library(value):
        return recorded(value).to_plain()
    if hasattr(value, "as_parameter"):  # what a recipe takes that says itself how it is written down
        return encode(value.as_parameter(), blobs)
    if hasattr(value, "columns") and hasattr(value, "to_dict"):  # a DataFrame, as the rows that it holds
        return encode(value.astype(object).where(value.notna(), None).to_dict("records"), blobs)
    try:
        return {"$picture": _put(open_picture(value), blobs)}
    except InvalidInput:
        kind = type(value).__name__
        raise InvalidInput(
            [
                Fault(
                    "parameter",
                    f"a {kind} cannot be written into the journal.",
                    "Use text, numbers, lists or pictures.",
                )
            ]
        ) from None


def _put(artifact: Artifact, blobs: Blobs) -> dict[str, Any]:
    picture = open_picture(artifact)
    blobs.put(picture.bytes, picture.sha256, picture.format)
    if blobs.thumbnail(picture.sha256) is None:
        blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))
    return picture.to_plain()


def decode(plain: Any, blobs: Blobs) -> Any:
    """Read ``encode`` back."""
    if isinstance(plain, list):
        return [decode(v, blobs) for v in plain]
    if not isinstance(plain, dict):
        return plain
    rest = {k: v for k, v in plain.items() if not k.startswith(MARK)}
    if "$prompt" in plain:
        return Prompt(plain["$prompt"], **{**rest, "tags": tuple(rest.get("tags", ()))})
    if "$style" in plain:
        return Style(plain["$style"], **rest)
    if "$picture" in plain:
        return _get(plain["$picture"], blobs)
    if "$library" in plain:
        return LibraryPlace(plain["$library"], **rest)
    if "$query" in plain:
        place = decode(plain["$query"], blobs)
        return LibraryQuery(place, rest.get("top_k", 3), rest.get("text"), decode(rest.get("brief", {}), blobs))
    if "$reference" in plain:
        return Reference(_get(plain["$reference"], blobs), **rest)
    return {k: decode(v, blobs) for k, v in plain.items()}


def _get(plain: Mapping[str, Any], blobs: Blobs) -> Picture:
    return Picture(**plain, path=str(blobs.path(plain["sha256"], plain["format"])))


def as_cell_value(plain: Any) -> Any:
    """Return an encoded parameter as it stands in a table: prompts and styles by their text, pictures by short hash."""
    if isinstance(plain, list):
        return tuple(as_cell_value(v) for v in plain)  # pandas groups by what can be hashed
    if isinstance(plain, dict):
        for mark in ("$prompt", "$style"):
            if mark in plain:
                return plain[mark]
        if "$reference" in plain:
            return plain.get("name") or plain["$reference"]["sha256"][:12]
        if "$picture" in plain:
            return plain["$picture"]["sha256"][:12]
        if "$library" in plain:
            return Path(plain["$library"]).name
        if "$query" in plain:
            return f"{as_cell_value(plain['$query'])}: {plain.get('text') or 'prompt'}, {plain.get('top_k')}"
        return {k: as_cell_value(v) for k, v in plain.items()}
    return plain


def libraries_in(plain: Any) -> Iterator[dict[str, Any]]:
    """Yield every library, ``{"$library": path, …}``, in JSON-ready data."""
    if isinstance(plain, dict):
        if "$library" in plain:
            yield plain
        plain = list(plain.values())
    if isinstance(plain, list):
        for value in plain:
            yield from libraries_in(value)


def stateless(plain: Any) -> Any:
    """Return JSON-ready data without what libraries held: a replay needs none, so it cannot know."""
    if isinstance(plain, list):
        return [stateless(value) for value in plain]
    if not isinstance(plain, dict):
        return plain
    return {k: stateless(v) for k, v in plain.items() if not (k == "state" and "$library" in plain)}


def dumps(plain: Any) -> str:
    """Return compact JSON with sorted keys: equal values are equal texts."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
