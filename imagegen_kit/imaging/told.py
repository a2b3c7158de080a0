"""What a picture file from elsewhere tells of its making: our record, or the text that other tools write."""

from __future__ import annotations

import re
from typing import Any

from imagegen_kit.imaging import provenance

_FACT = re.compile(r'\s*([\w ]+?):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_NEGATIVE = "Negative prompt: "


def told(data: bytes) -> dict[str, Any]:
    """Return what the file says: prompt, negative_prompt, model, seed, price_usd and others, as far as it says them.

    Our own record goes before the ``parameters`` text of AUTOMATIC1111 and those who follow it. What a file claims is a
    claim.
    """
    record = provenance.read(data)
    if record is not None:
        return _of_record(record)
    text = provenance.read_parameters(data)
    return _of_parameters(text) if text else {}


def _of_record(record: dict[str, Any]) -> dict[str, Any]:
    part = record.get("request") or record.get("sent")
    part = part if isinstance(part, dict) else {}
    found = {name: part.get(name) for name in ("prompt", "negative_prompt", "seed")}
    found["model"] = record.get("model_used") or record.get("model") or part.get("model")
    found["price_usd"] = record.get("price_usd")
    texts = {k: v for k, v in found.items() if k in ("prompt", "negative_prompt", "model") and isinstance(v, str) and v}
    numbers = {k: v for k, v in found.items() if k in ("seed", "price_usd") and _is_number(v)}
    return texts | numbers


def _of_parameters(text: str) -> dict[str, Any]:
    """Read ``prompt⏎Negative prompt: …⏎Steps: 20, Seed: 7, Model: …``; the prompt may have several lines."""
    lines = text.strip().split("\n")
    facts: dict[str, str] = {}
    if len(lines) > 1 or ": " in lines[-1]:
        found = {k.strip().lower(): v.strip().strip('"') for k, v in _FACT.findall(lines[-1])}
        if {"steps", "seed", "size", "model"} & set(found):
            facts, lines = found, lines[:-1]
    joined = "\n".join(lines)
    prompt, _, negative = (joined.removeprefix("\n") if _NEGATIVE in joined else joined + _NEGATIVE).partition(
        _NEGATIVE
    )
    read: dict[str, Any] = {"prompt": prompt.strip(), "negative_prompt": negative.strip(), "model": facts.get("model")}
    if facts.get("seed", "").isdecimal():
        read["seed"] = int(facts["seed"])
    return {k: v for k, v in read.items() if v not in (None, "")}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
