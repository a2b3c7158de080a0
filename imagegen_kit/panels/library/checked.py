"""What Python asks of the library panel: refused in words where a page's values would be brought into their range."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.panels.library.ask import MOST_HITS, MOST_TAGS, Ask
from imagegen_kit.retrieval.retrievers.briefs import argument_faults
from imagegen_kit.types import Reference
from imagegen_kit.types.common import ROLES

if TYPE_CHECKING:
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.retrieval.library import Library

KNOWN = ("negative", "top_k", "balance", "roles", "tags", "diversity", "dedup")


def first_ask(library: Library, where: Any, top_k: Any, others: Mapping[str, Any]) -> Ask:
    """Return the question that a new panel begins with. Raises InvalidInput with all that is wrong with its making."""
    faults = [unknown_name_fault("argument", name, ("where", "top_k"), where=name) for name in others]
    hits = _hits(top_k, faults)
    if where is not None and not isinstance(where, Mapping):
        hint = 'Write where={"role": "setting"}.'
        faults.append(Fault("where", f"a {type(where).__name__} is no filter.", hint))
    else:
        try:
            library.numbers(where or None)  # a misspelt filter is told here
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults)
    return Ask(top_k=hits)


def asked_in_python(first: Ask, text: Any, image: Any, how: Mapping[str, Any]) -> Ask:
    """Return ``first`` with what a call of ``panel.search`` names. Raises InvalidInput with all that is wrong."""
    faults = [unknown_name_fault("argument", name, (*KNOWN, "image"), where=name) for name in how if name not in KNOWN]
    negative = how.get("negative")
    words = {"text": text} | ({"negative": negative} if isinstance(negative, str) else {})
    faults += argument_faults(words | {name: how[name] for name in ("diversity", "dedup") if name in how})
    if negative is not None and not isinstance(negative, str):
        hint = "`lib.search` takes pictures too."
        faults.append(Fault("negative", f"a {type(negative).__name__} is no text.", hint))
    given: dict[str, Any] = {
        "top_k": _hits(how.get("top_k", first.top_k), faults),
        "balance": _balance(how.get("balance"), faults),
        "roles": _roles(how.get("roles"), faults),
        "tags": _tags(how.get("tags"), faults),
    }
    picture = _picture(image, faults)
    if faults:
        raise InvalidInput(faults)
    given |= {"diversity": float(how.get("diversity", first.diversity)), "dedup": bool(how.get("dedup", first.dedup))}
    called = "" if picture is None else picture.sha256[:8]
    return replace(first, text=text or "", negative=negative or "", picture=picture, called=called, **given)


def _hits(given: Any, faults: list[Fault]) -> int:
    try:
        number = 0 if isinstance(given, bool) else operator.index(given)
    except TypeError:
        number = 0
    if not 1 <= number <= MOST_HITS:
        hint = "`lib.search` gives more." if number > MOST_HITS else ""
        faults.append(Fault("top_k", f"{given!r} is no whole number from 1 to {MOST_HITS}.", hint))
    return number


def _balance(given: Any, faults: list[Fault]) -> float | None:
    if given is None:
        return None
    if isinstance(given, (bool, str)) or not hasattr(given, "__float__") or not 0 <= float(given) <= 1:
        hint = "It is the words' share: 0 is the picture alone, 1 the words alone."
        faults.append(Fault("balance", f"{given!r} is no number from 0 to 1.", hint))
        return None
    return float(given)


def _roles(given: Any, faults: list[Fault]) -> tuple[str, ...]:
    wanted = _texts("roles", given, faults)
    faults += [unknown_name_fault("role", role, ROLES, where="roles") for role in wanted if role not in ROLES]
    return tuple(role for role in ROLES if role in wanted)


def _tags(given: Any, faults: list[Fault]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(_texts("tags", given, faults)))
    if len(wanted) > MOST_TAGS:
        faults.append(Fault("tags", f"{len(wanted):,} tags are more than the {MOST_TAGS} that may be asked for."))
    return wanted


def _texts(where: str, given: Any, faults: list[Fault]) -> list[str]:
    if given is None:
        return []
    listed = [given] if isinstance(given, str) else given
    if isinstance(listed, (list, tuple, set, frozenset)) and all(isinstance(one, str) for one in listed):
        return list(listed)
    faults.append(Fault(where, f"{given!r} is no text and no list of texts."))
    return []


def _picture(image: Any, faults: list[Fault]) -> Picture | None:
    if image is None:
        return None
    try:
        return open_picture(image.picture if isinstance(image, Reference) else image, where="image")
    except InvalidInput as error:
        faults += error.faults
        return None
