"""The placeholders of a job API's templates: which there are, and where each may stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SPREAD = "*"  # the key under which all options stand that no placeholder names
ASKED = (
    "prompt",
    "negative_prompt",
    "system",
    "seed",
    "width",
    "height",
    "size",
    "aspect_ratio",
    "resolution",
    "quality",
    "seconds",
)
PICTURE = re.compile(r"(references|reference[2-9]?|reference1\d|mask|first_frame|last_frame)\.(data_uri|b64|url|file)")
FILE = ("file", "file.b64", "file.data_uri", "file.name", "file.type")
NUMBER = re.compile(r"-?\d{1,9}")  # what is sent where no name before it has a value: {seed || -1}
_NAMED = re.compile(r"(options|settings|item)\.[A-Za-z0-9_]+")


def placeholders(template: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every placeholder of a template (text, list or mapping) with the key path of the text that holds it."""
    if isinstance(template, str):
        for inside in PLACEHOLDER.findall(template):
            for name in alternatives(inside):
                yield path, name
    elif isinstance(template, dict):
        for key, value in template.items():
            yield from placeholders(value, *path, key)
    elif isinstance(template, (list, tuple)):
        for number, value in enumerate(template):
            yield from placeholders(value, *path, number)


def alternatives(inside: str) -> list[str]:
    """Return the names in ``{a || b}``, of which the first that has a value is taken."""
    return [name.strip() for name in inside.split("||")]


def names_used(template: Any) -> set[str]:
    """Return the names of all placeholders of a template."""
    return {name for _, name in placeholders(template)}


def allowed_in(name: str, place: str) -> bool:
    """Whether the placeholder ``name`` may stand at ``place``: submit, upload, call, cancel or output."""
    match = _NAMED.fullmatch(name)
    kind = match[1] if match else ""
    if name in ("base", "key") or kind == "settings":
        return True
    if place == "upload":
        return name in FILE
    if place == "output":
        return kind == "item"
    if place == "submit":
        return (
            NUMBER.fullmatch(name) is not None
            or name in (*ASKED, "model", "options", "idempotency_key")
            or kind == "options"
            or PICTURE.fullmatch(name) is not None
        )
    return place in ("call", "cancel") and (name == "id" or (name == "model" and place == "call"))


def examples(place: str) -> list[str]:
    """Return the placeholders that may stand at ``place``, for error messages."""
    pictures = ["reference.data_uri", "references.url", "reference.b64", "reference.file", "mask.file"]
    known = {
        "upload": list(FILE),
        "output": ["item.filename"],
        "submit": [*ASKED, "model", *pictures, "options.steps", "idempotency_key"],
        "call": ["id", "model"],
        "cancel": ["id"],
    }
    return ["base", "key", "settings.MY_VARIABLE", *known.get(place, [])]
