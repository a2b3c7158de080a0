"""What people say of a picture: its texts, tags, role and whatever else, read from any source and checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from imagegen_kit.errors import Fault
from imagegen_kit.types.common import ROLES

TEXTS = ("id", "role", "name", "caption", "description", "licence")
LISTS = ("tags", "variations")
FIELDS = (*TEXTS, *LISTS)
# What a library finds out by itself. A table of one library may be given to another, so they are passed over there.
COMPUTED = frozenset(
    ("number", "format", "width", "height", "added_at", "changed_at", "dhash", "phash", "score", "rank", "removed")
)
MOST_LETTERS = 100_000
MOST_LETTERS_OF_AN_ID = 500
_ALIASES = {"license": "licence"}


def missing(value: Any) -> bool:
    """Whether ``value`` is None or one of the ways in which tables say that there is none (NaN, NA, NaT)."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def read_about(raw: Mapping[str, Any], where: str, faults: list[Fault], *, computed: bool = False) -> dict[str, Any]:
    """Return the known fields of ``raw`` that are set, all else under ``meta``; what is wrong is added to ``faults``.

    ``where`` is the start of each fault's place; ``computed`` passes over what libraries find out by themselves.
    """
    about: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    for given, value in raw.items():
        key = _ALIASES.get(given, given) if isinstance(given, str) else given
        place = f"{where}.{key}" if where else str(key)
        if missing(value) or (computed and key in COMPUTED):
            continue
        if key in TEXTS:
            if (text := _text(key, value, place, faults)) is not None:
                about[key] = text
        elif key in LISTS:
            if (texts := _texts(value, place, faults)) is not None:
                about[key] = texts
        elif key == "meta" and isinstance(value, Mapping):
            meta.update(_meta(value, place, faults))
        else:
            meta.update(_meta({key: value}, where, faults))
    if meta:
        about["meta"] = meta
    return about


def _text(key: str, value: Any, place: str, faults: list[Fault]) -> str | None:
    if not isinstance(value, str):
        faults.append(Fault(place, f"{str(value)[:80]!r} is no text but a {type(value).__name__}."))
        return None
    found = _encodable(value, place, faults)
    if key == "role" and value not in ROLES:
        near = get_close_matches(value, ROLES, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Use " + ", ".join(ROLES) + "."
        faults.append(Fault(place, f"{value[:80]!r} is not a role.", hint))
    if key == "id":
        if not value.strip() or len(value) > MOST_LETTERS_OF_AN_ID:
            what = "is empty." if not value.strip() else f"is longer than {MOST_LETTERS_OF_AN_ID} characters."
            faults.append(Fault(place, what))
        elif not value.isprintable():
            faults.append(Fault(place, f"{value[:80]!r} holds characters that cannot be seen.", "Choose another id."))
    return found


def _encodable(value: str, place: str, faults: list[Fault]) -> str | None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        faults.append(Fault(place, f"character {error.start + 1} is half a character, which no file can hold."))
        return None
    if len(value) > MOST_LETTERS:
        faults.append(Fault(place, f"is longer than {MOST_LETTERS:,} characters."))
        return None
    return str(value)


def _texts(value: Any, place: str, faults: list[Fault]) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.split(",")  # as tables and spreadsheets hold them
    elif isinstance(value, Mapping) or not isinstance(value, Iterable):
        faults.append(Fault(place, f"a {type(value).__name__} is no list of texts.", 'Give a list: ["cat", "pet"].'))
        return None
    found: dict[str, None] = {}
    for entry in value:
        if not isinstance(entry, str):
            faults.append(Fault(place, f"{str(entry)[:80]!r} is no text but a {type(entry).__name__}."))
        elif (text := _encodable(entry.strip(), place, faults)) and text:
            found[text] = None
    return tuple(found)


def _near(key: str) -> list[str]:
    """Return the field that ``key`` is nearly called: one letter more or less in a long one, or two letters swapped."""
    text = key.lower()
    swapped = {text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in range(len(text) - 1)}
    others = [field for field in FIELDS if field != key]
    return [field for field in others if field in swapped] or get_close_matches(text, others, n=1, cutoff=0.84)


def _meta(raw: Mapping[Any, Any], where: str, faults: list[Fault]) -> dict[str, Any]:
    """Return what else is said; a name that is nearly a known one is taken for a slip."""
    found = {}
    for key, value in raw.items():
        place = f"{where}.{key}" if where else str(key)
        if not isinstance(key, str) or not key:
            faults.append(Fault(place, "the name of a field is not a text."))
        elif _encodable(key, place, faults) is None:
            pass
        elif key in COMPUTED or key in ("path", "sha256", "picture"):
            faults.append(Fault(place, "is found out by the library itself.", "Leave it out."))
        elif near := _near(key):
            faults.append(Fault(place, "is no field of a picture.", f"Did you mean {near[0]!r}? Else rename it."))
        elif not missing(value):
            plain = value.tolist() if hasattr(value, "tolist") else value  # numpy's numbers and arrays
            try:
                json.dumps(plain, allow_nan=False, ensure_ascii=False).encode("utf-8")
            except (TypeError, ValueError, RecursionError):
                what = f"a value of the type {type(value).__name__!r} cannot be kept."
                faults.append(Fault(place, what, "Texts, numbers, True, False, lists and mappings of them can."))
            else:
                found[key] = plain
    return found
