"""What simulated language models say: a sentence, or data that fits the JSON schema they were given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

DEEPEST = 12  # a schema may refer to itself


def answer(prompt: str, pictures: int = 0, schema: Mapping[str, Any] | None = None) -> str:
    """Return the answer to ``prompt``: JSON where there is a ``schema``, always the same for the same question."""
    if schema is not None:
        return json.dumps(fitting(schema, prompt))
    seen = f" and {pictures} picture{'s' * (pictures > 1)}" if pictures else ""
    return f"A simulated answer to “{' '.join(prompt.split())[:80]}”{seen}."


def words(text: str) -> int:
    """Return about how many tokens ``text`` is."""
    return max(1, len(text.split()))


def fitting(schema: Mapping[str, Any], salt: str = "") -> Any:
    """Return some data that is valid for ``schema`` (JSON Schema, or Google's, whose type names are in capitals)."""
    return _value(schema, schema, salt, 0)


def _value(schema: Mapping[str, Any], root: Mapping[str, Any], salt: str, depth: int) -> Any:
    schema = _resolved(schema, root)
    chance = _chance(salt)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][int(chance * len(schema["enum"]))]
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    kind = str(next((k for k in kind if str(k).lower() != "null"), "null") if isinstance(kind, list) else kind).lower()
    if kind == "object":
        wanted = schema.get("properties") or {}
        if depth > DEEPEST:
            wanted = {name: wanted[name] for name in schema.get("required") or ()}
        return {name: _value(part, root, f"{salt}/{name}", depth + 1) for name, part in wanted.items()}
    if kind == "array":
        count = int(schema.get("minItems", 0 if depth > DEEPEST else 1))
        return [_value(schema.get("items") or {}, root, f"{salt}/{n}", depth + 1) for n in range(count)]
    if kind in ("integer", "number"):
        return _number(schema, chance, whole=kind == "integer")
    if kind == "boolean":
        return chance < 0.5
    return None if kind == "null" else _text(schema)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, take the first of alternatives, and join what must all hold."""
    if "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        return _resolved(found, root)
    for choice in ("anyOf", "oneOf"):
        if schema.get(choice):
            options = [_resolved(option, root) for option in schema[choice]]
            return next((o for o in options if str(o.get("type")).lower() != "null"), options[0])
    joined: dict[str, Any] = dict(schema)
    for also in joined.pop("allOf", ()):
        more = _resolved(also, root)
        joined = {**more, **joined, "properties": {**more.get("properties", {}), **joined.get("properties", {})}}
    return joined


def _number(schema: Mapping[str, Any], chance: float, *, whole: bool) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = (0 if high is None or high > 0 else high - 10) if low is None else low
    high = low + 10 if high is None else high
    step = schema.get("multipleOf") or 1
    if whole:
        first = low + (1 if "exclusiveMinimum" in schema else 0)
        last = high - (1 if "exclusiveMaximum" in schema else 0)
        return int((first + int(chance * (last - first + 1))) // step * step)
    return round(float(low + (high - low) * (0.1 + 0.8 * chance)), 3)


def _text(schema: Mapping[str, Any]) -> str:
    known = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "uri": "https://example.org"}
    text = known.get(str(schema.get("format")), "A simulated text")
    text = text.ljust(int(schema.get("minLength") or 0), ".")
    return text[: int(schema["maxLength"])] if schema.get("maxLength") else text


def _chance(salt: str) -> float:
    return int.from_bytes(hashlib.sha256(salt.encode("utf-8", "replace")).digest()[:4], "big") / 2**32
