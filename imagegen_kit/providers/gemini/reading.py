"""The answer of ``generate_content``, read from its JSON; and the chunks of a stream, put together."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.gemini.answer import Answer
from imagegen_kit.providers.gemini.usage import usage_of_generated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.genai import types

# For 1.2 MB pydantic reads base64 (of either alphabet) in 1 ms, the standard library in 2.5; JSON in 0.9, not 1.3 ms.
_BASE64: TypeAdapter[bytes] = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64"))


def parsed(body: str | bytes, model: str) -> dict[str, Any]:
    """Return the JSON object of a 200; an empty body is an empty object. Raises InvalidReply for anything else."""
    try:
        found = from_json(body) if body else {}
    except ValueError:
        raise unreadable("the service answered with something that is not JSON", model=model) from None
    if not isinstance(found, dict):
        raise unreadable("the service answered with JSON of another form than it documents", model=model)
    return found


def picture_bytes(data: object, model: str) -> bytes:
    """Return base64 text (or bytes, as the SDK gives them) as bytes. Raises InvalidReply where it is cut off."""
    if isinstance(data, bytes):
        return data
    try:
        return _BASE64.validate_python(data)
    except ValidationError:
        raise unreadable("the picture that came back is broken: its base64 text is not whole", model=model) from None


def read_generated(body: Mapping[str, Any], model: str) -> Answer:
    """Return what an answer of generate_content holds. Raises InvalidReply where it is not of the documented form."""
    try:
        return _read(body, model)
    except (AttributeError, TypeError, KeyError):
        raise unreadable("the service answered with JSON of another form than it documents", model=model) from None


def _read(body: Mapping[str, Any], model: str) -> Answer:
    feedback = body.get("promptFeedback") or {}
    first = (body.get("candidates") or [{}])[0]
    pictures: list[bytes] = []
    drafts: list[bytes] = []
    texts: list[str] = []
    thoughts: list[str] = []
    other = ""
    for part in (first.get("content") or {}).get("parts") or ():
        thought = part.get("thought") is True
        inline = part.get("inlineData")
        if inline is not None:
            mime = inline.get("mimeType", inline.get("mime_type", ""))
            if mime.startswith("image/"):
                (drafts if thought else pictures).append(picture_bytes(inline.get("data"), model))
            elif not thought:
                other = mime or "data without a type"
        elif isinstance(part.get("text"), str):
            (thoughts if thought else texts).append(part["text"])
    said = body.get("usageMetadata") or {}
    return Answer(
        pictures=tuple(pictures),
        text="".join(texts),
        thoughts=tuple(thoughts),
        drafts=tuple(drafts),
        other=other,
        reason=first.get("finishReason") or "",
        refused=feedback.get("blockReason") or "",
        words=feedback.get("blockReasonMessage") or first.get("finishMessage") or "",
        usage=usage_of_generated(said, bool(pictures)),
        paid=True if said.get("candidatesTokenCount") else None,
        version=body.get("modelVersion") or "",
    )


def plain_chunk(chunk: types.GenerateContentResponse) -> dict[str, Any]:
    """Return a chunk of a stream in the names of the wire; its pictures are bytes already."""
    body: dict[str, Any] = _plain(chunk.model_dump(by_alias=True, exclude_none=True, exclude={"sdk_http_response"}))
    return body


def _plain(value: Any) -> Any:
    """Return ``value`` with the service's own words where the SDK has members of an enum."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def joined(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a stream's chunks as one answer: all parts in order, and what the last chunk that says it says."""
    whole: dict[str, Any] = {}
    parts: list[Any] = []
    first: dict[str, Any] = {}
    for chunk in chunks:
        for candidate in (chunk.get("candidates") or [])[:1]:
            parts += (candidate.get("content") or {}).get("parts") or []
            first.update(candidate)
        whole.update({name: value for name, value in chunk.items() if name != "candidates"})
    if first:
        whole["candidates"] = [{**first, "content": {"parts": parts}}]
    return whole
