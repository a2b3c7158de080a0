"""``where=``: which items of a library are meant, as SQL with bound values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.retrieval.library.firsts import MARK
from imagegen_kit.types.common import ROLES

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.records import Records

_TEXTS = ("id", "name", "role", "licence", "format", "sha256", "caption", "description")
_NUMBERS = ("width", "height")
_KNOWN = (*_TEXTS, *_NUMBERS, "tags", "number")


def condition(where: Mapping[str, Any] | None, records: Records) -> tuple[str, list[Any]]:
    """Return the SQL condition and its values for a filter; all of its parts must hold.

    A text, or a list of texts of which one must fit: id, name, role, licence, format, sha256, caption, description.
    ``tags``: a tag, or a list of tags that must all be there. ``width``, ``height``: a number, or (least, most), where
    one may be None. ``number``: a list of numbers. Any other key is looked up in what was said beside
    (``near_duplicate_of`` is always known). None fits where nothing is known. Raises InvalidInput with every fault.
    """
    parts, values, faults = ["removed = 0"], list[Any](), list[Fault]()
    if where is not None and not isinstance(where, Mapping):
        raise InvalidInput([Fault("where", f"{str(where)[:80]!r} is no mapping.", 'Write {"role": "character"}.')])
    for key, wanted in (where or {}).items():
        place = f"where.{key}"
        if callable(wanted) or isinstance(wanted, Mapping):
            what = f"a {type(wanted).__name__} is nothing to compare with."
            faults.append(Fault(place, what, "Give a text, a number, or a list of those."))
        elif key == "role" and (odd := [one for one in _listed(wanted) if one is not None and one not in ROLES]):
            faults += [unknown_name_fault("role", one, ROLES, where=place) for one in odd]
        elif key == "tags":
            tags = _listed(wanted)
            if not all(isinstance(tag, str) for tag in tags):
                faults.append(Fault(place, "is no list of texts."))
            for tag in tags:
                parts.append("EXISTS (SELECT 1 FROM tags WHERE tags.number = items.number AND tag = ?)")
                values.append(tag)
        elif key == "number":
            numbers = _listed(wanted)
            parts.append("number IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([int(n) for n in numbers]))
        elif key in _TEXTS:
            _text(key, wanted, parts, values)
        elif key in _NUMBERS:
            _range(key, wanted, place, parts, values, faults)
        elif isinstance(key, str) and (key == MARK or key in _meta_keys(records)):
            _meta(key, wanted, parts, values)
        else:
            known = list(dict.fromkeys([*_KNOWN, MARK, *_meta_keys(records)]))
            faults.append(unknown_name_fault("field of this library", key, known, where=place))
    if faults:
        raise InvalidInput(faults)
    return " AND ".join(parts), values


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else [value]


def _text(key: str, wanted: Any, parts: list[str], values: list[Any]) -> None:
    if wanted is None:
        parts.append(f"{key} IS NULL")
        return
    parts.append(f"{key} IN (SELECT value FROM json_each(?))")
    values.append(json.dumps([str(one) for one in _listed(wanted)]))


def _range(
    key: str, wanted: Any, place: str, parts: list[str], values: list[Any], faults: list[Fault]
) -> None:  # fmt: skip
    bounds = _listed(wanted)
    least, most = bounds if len(bounds) == 2 else (wanted, wanted)
    if not all(b is None or (isinstance(b, (int, float)) and not isinstance(b, bool)) for b in (least, most)):
        faults.append(Fault(place, f"{str(wanted)[:80]!r} is no range of pixels.", "Write (512, None) or 512."))
        return
    for sign, bound in ((">=", least), ("<=", most)):
        if bound is not None:
            parts.append(f"{key} {sign} ?")
            values.append(bound)


def _meta(key: str, wanted: Any, parts: list[str], values: list[Any]) -> None:
    kept = "SELECT 1 FROM json_each(items.meta) AS kept WHERE kept.key = ?"
    if wanted is None:
        parts.append(f"NOT EXISTS ({kept})")
        values.append(key)
        return
    # a list in the field fits where one of its entries does
    one = "SELECT 1 FROM json_each(kept.value) AS held WHERE held.value IN (SELECT value FROM json_each(?))"
    own = "kept.value IN (SELECT value FROM json_each(?))"
    parts.append(f"EXISTS ({kept} AND CASE kept.type WHEN 'array' THEN EXISTS ({one}) ELSE {own} END)")
    listed = json.dumps(_listed(wanted), default=str)
    values += [key, listed, listed]


def _meta_keys(records: Records) -> list[str]:
    sql = "SELECT DISTINCT key FROM items, json_each(items.meta) WHERE removed = 0"
    return [key for (key,) in records.read(sql)]
