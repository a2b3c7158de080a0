"""Fills the templates of a job API with values: fields without a value are left out, and JSON is never put together
as text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imagegen_kit.catalog.job_api_placeholders import NUMBER, PLACEHOLDER, SPREAD, alternatives, names_used

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = {"model", "base"}  # their slashes are part of the address


@dataclass(frozen=True, slots=True)
class File:
    """A file in a multipart body."""

    name: str
    type: str
    data: bytes = field(repr=False)


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Return ``template`` with its placeholders replaced; None where nothing is left of it.

    A text that is one placeholder becomes its value as it is. A text of several parts becomes text, and falls away
    where one of them has no value. A list or an object falls away where all that it held has fallen away.
    """
    if isinstance(template, str):
        return _filled_text(template, values)
    if isinstance(template, dict):
        found = {name: filled(value, values) for name, value in template.items() if name != SPREAD}
        if SPREAD in template:
            found |= _other_options(template, values)
        found = {name: value for name, value in found.items() if value is not None}
        return found if found or not template else None
    if isinstance(template, (list, tuple)):
        items = [value for value in (filled(item, values) for item in template) if value is not None]
        return items if items or not template else None
    return template


def filled_url(template: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return an address with its placeholders quoted into it, and the names of those that have no value."""
    missing: list[str] = []

    def part(match: Any) -> str:
        name, value = _chosen(match[1], values)
        if value is None:
            missing.append(match[1].strip())
        return str(value) if name == "base" else quote(_text(value), safe="/" if name in _WHOLE else "")

    return PLACEHOLDER.sub(part, template), missing


def multipart(body: Mapping[str, Any]) -> list[tuple[str, tuple[str | None, bytes, str | None]]]:
    """Return the parts of a multipart body, in order; a list becomes one part for each item."""
    parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = []
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, File):
                parts.append((name, (one.name, one.data, one.type)))
            else:
                parts.append((name, (None, _text(one).encode(), None)))
    return parts


def _filled_text(template: str, values: Mapping[str, Any]) -> Any:
    matches = list(PLACEHOLDER.finditer(template))
    if len(matches) == 1 and matches[0][0] == template.strip():
        value = _chosen(matches[0][1], values)[1]
        return None if value == [] else value
    found = [_chosen(match[1], values)[1] for match in matches]
    if any(value is None for value in found):
        return None
    texts = iter(found)
    return PLACEHOLDER.sub(lambda _: _text(next(texts)), template)


def _chosen(inside: str, values: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the first name in ``a || b`` that has a value, and the value; a number at the end is one itself."""
    names = alternatives(inside)
    if NUMBER.fullmatch(names[-1]):
        values = {**values, names[-1]: int(names[-1])}
    return next(((name, values[name]) for name in names if values.get(name) is not None), (names[-1], None))


def _other_options(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the request that no placeholder of the body names; they win over what stands there."""
    named = {name.partition(".")[2] for name in names_used(template) if name.startswith("options.")}
    return {name: value for name, value in (values.get("options") or {}).items() if name not in named}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
