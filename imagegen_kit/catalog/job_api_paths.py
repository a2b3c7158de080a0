"""The small language that says where in a service's JSON a value stands: ``data.outputs[0]``, ``images[*].url``.

A path is names joined by dots, with ``[n]`` for an item of a list (``[-1]`` the last), ``[*]`` for all items, ``.*``
for all values of an object, and ``|json`` for text that is JSON itself. ``a || b`` takes ``b`` where ``a`` finds
nothing. ``null`` counts as nothing found, because services write it for "not yet".
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from imagegen_kit.errors import Fault, InvalidInput

_STEP = re.compile(
    r"(?P<dot>\.)?(?:(?P<name>[^\s.\[\]|*]+)|(?P<values>\*))|\[(?:(?P<number>-?\d{1,6})|(?P<items>\*))\]|(?P<json>\|json)"
)
MAX_FOUND = 1000  # values that one path may lead to; a reply with more is not what the file was written for

Step = tuple[str, str | int | None]  # ("name", "data"), ("item", 0), ("items", None), ("values", None), ("json", None)


@cache
def parse(path: str) -> tuple[tuple[Step, ...], ...]:
    """Return the alternatives of ``path``, each as its steps. Raises InvalidInput where it cannot be read."""
    return tuple(_steps(one.strip(), path) for one in path.split("||"))


def find(path: str, data: Any) -> list[Any]:
    """Return every value that ``path`` leads to in ``data``; none where there is no path (empty text) or no value."""
    for steps in parse(path) if path else ():
        found = [data]
        for step in steps:
            found = [value for one in found for value in _follow(step, one)][:MAX_FOUND]
        if found := [value for value in found if value is not None]:
            return found
    return []


def first(path: str, data: Any) -> Any:
    """Return the first value that ``path`` leads to, None where it leads to nothing."""
    found = find(path, data)
    return found[0] if found else None


def as_text(value: Any) -> str:
    """Return a status as the text that it is compared as: ``true``, ``1``, ``completed``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _steps(path: str, whole: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        named = match is not None and (match["name"] is not None or match["values"] is not None)
        if match is None or (named and bool(match["dot"]) is not bool(steps)):
            raise _unreadable(whole, f"{path[at:]!r} is no step of one")
        at = match.end()
        if match["name"] is not None:
            steps.append(("name", match["name"]))
        elif match["number"] is not None:
            steps.append(("item", int(match["number"])))
        else:
            steps.append(("values" if match["values"] else "items" if match["items"] else "json", None))
    if not steps:
        raise _unreadable(whole, "it is empty")
    return tuple(steps)


def _unreadable(path: str, why: str) -> InvalidInput:
    hint = 'Write it like "data.outputs[0]", "images[*].url" or "data.text|json.urls[*] || data.url".'
    return InvalidInput([Fault("path", f"{path!r} cannot be read: {why}.", hint)])


def _follow(step: Step, value: Any) -> list[Any]:
    kind, key = step
    if kind == "name":
        return [value[key]] if isinstance(value, dict) and key in value else []
    if kind == "values":
        return list(value.values()) if isinstance(value, dict) else []
    if kind == "json":
        try:
            return [json.loads(value)] if isinstance(value, str) else []
        except (ValueError, RecursionError):
            return []
    if not isinstance(value, list):
        return []
    if kind == "items":
        return value
    assert isinstance(key, int)
    return [value[key]] if -len(value) <= key < len(value) else []
