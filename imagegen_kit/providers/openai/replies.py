"""From the body of an answer to pictures and usage: plain data in, our values out."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from imagegen_kit.errors import NoPictureReturned
from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.openai.errors import stated_fault
from imagegen_kit.types import Reply, Usage


def read_body(data: bytes, *, model: str) -> Mapping[str, Any]:
    """Return the object that an answer holds. Raises InvalidReply where it holds none, and the error that it states."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        words = f"the service answered 200 with {len(data)} bytes that are no JSON. Check the service's address."
        raise unreadable(words, model=model) from error
    if not isinstance(body, Mapping):
        raise unreadable(f"the service answered with a JSON {type(body).__name__}, not an object.", model=model)
    if isinstance(body.get("error"), Mapping):
        raise stated_fault(body["error"], model=model)
    return body


def image_reply(body: Mapping[str, Any], *, model: str) -> Reply:
    """Return the pictures and the usage of an answer. Raises NoPictureReturned, or InvalidReply for broken base64."""
    data = body.get("data")
    if not isinstance(data, list) or not data:
        raise NoPictureReturned(f"{model} answered without a picture.", model=model)
    return Reply(pictures=tuple(_picture(item, model) for item in data), usage=image_usage(body.get("usage")))


def _picture(item: Any, model: str) -> bytes:
    item = item if isinstance(item, Mapping) else {}
    if not item.get("b64_json"):
        if item.get("url"):
            words = (
                "the service sent a picture's address instead of the picture. "
                "Declare the option response_format of this model in your catalogue file."
            )
            raise unreadable(words, model=model)
        raise NoPictureReturned(f"{model} answered without a picture.", model=model)
    picture = decoded(item["b64_json"])
    if picture is None:
        raise unreadable("the picture that came back is no sound base64.", model=model)
    return picture


def decoded(text: Any) -> bytes | None:
    """Return the bytes that base64 ``text`` stands for; None where it stands for none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None


def image_usage(usage: Any) -> Usage | None:
    """Return the tokens of an answer in pictures, in parts that do not overlap; None where it names none.

    Where the service does not tell text and pictures apart, what went in counts as text and what came out as picture.
    Where it does not tell apart what came from its cache, text counts first.
    """
    if not isinstance(usage, Mapping):
        return None
    given, made = _part(usage, "input_tokens_details"), _part(usage, "output_tokens_details")
    text, pictures = _count(given, "text_tokens"), _count(given, "image_tokens")
    if text is None and pictures is None:
        text = _count(usage, "input_tokens")
    cached_text, cached_pictures = _cached(usage, given, text or 0)
    out_pictures, out_text = _count(made, "image_tokens"), _count(made, "text_tokens")
    if out_pictures is None and out_text is None:
        out_pictures = _count(usage, "output_tokens")
    return Usage(
        input_text_tokens=_less(text, cached_text),
        input_image_tokens=_less(pictures, cached_pictures),
        cached_text_tokens=cached_text,
        cached_image_tokens=cached_pictures,
        output_text_tokens=out_text,
        output_image_tokens=out_pictures,
    )


def text_usage(usage: Any) -> Usage | None:
    """Return the tokens of an answer in text; pictures that were given count, and cost, as text.

    The Responses API speaks of input and output, Chat Completions of prompt and completion; thoughts are in both.
    """
    if not isinstance(usage, Mapping):
        return None
    words = ("input", "output") if "input_tokens" in usage else ("prompt", "completion")
    cached = _count(_part(usage, f"{words[0]}_tokens_details"), "cached_tokens")
    return Usage(
        input_text_tokens=_less(_count(usage, f"{words[0]}_tokens"), cached),
        cached_text_tokens=cached,
        output_text_tokens=_count(usage, f"{words[1]}_tokens"),
    )


def _cached(usage: Mapping[str, Any], given: Mapping[str, Any], text: int) -> tuple[int | None, int | None]:
    apart = _part(given, "cached_tokens_details") or _part(usage, "cached_tokens_details")
    if apart:
        names = (("text_tokens", "cached_text_tokens"), ("image_tokens", "cached_image_tokens"))
        found = [next((c for name in pair if (c := _count(apart, name)) is not None), None) for pair in names]
        return found[0], found[1]
    whole = _count(given, "cached_tokens")
    whole = _count(usage, "cached_tokens") if whole is None else whole
    return (None, None) if whole is None else (min(whole, text), whole - min(whole, text))


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(of: Mapping[str, Any], name: str) -> int | None:
    value = of.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _less(count: int | None, cached: int | None) -> int | None:
    return count if count is None or cached is None else max(0, count - cached)
