"""Requests for text: the fields of the Responses API and of Chat Completions, and what their answers say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ContentBlocked, ProviderError
from imagegen_kit.providers.faults import shortened, unreadable
from imagegen_kit.providers.openai.replies import text_usage
from imagegen_kit.providers.openai.requests import remote_name
from imagegen_kit.types import Adaptation, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.types import TextRequest


def response_fields(request: TextRequest, spec: ModelSpec, pictures: Sequence[str]) -> dict[str, Any]:
    """Return the fields of ``responses.create``; ``pictures`` are data URIs. Nothing is kept at the service unasked."""
    content: list[dict[str, Any]] = [{"type": "input_text", "text": request.prompt}]
    content += [{"type": "input_image", "image_url": uri, "detail": "auto"} for uri in pictures]
    fields: dict[str, Any] = {"store": False, **_options(request), "model": remote_name(spec)}
    fields["input"] = [{"role": "user", "content": content}]
    if request.system is not None:
        fields["instructions"] = request.system
    if request.schema is not None:
        fields["text"] = {"format": {"type": "json_schema", **_form(request.schema)}}
    return fields


def chat_fields(request: TextRequest, spec: ModelSpec, pictures: Sequence[str]) -> dict[str, Any]:
    """Return the fields of ``chat.completions.create``; ``pictures`` are data URIs."""
    content: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
    content += [{"type": "image_url", "image_url": {"url": uri}} for uri in pictures]
    fields: dict[str, Any] = {**_options(request), "model": remote_name(spec)}
    fields["messages"] = [{"role": "user", "content": content if pictures else request.prompt}]
    if request.system is not None:
        fields["messages"].insert(0, {"role": "system", "content": request.system})
    if request.schema is not None:
        fields["response_format"] = {"type": "json_schema", "json_schema": _form(request.schema)}
    return fields


def response_reply(body: Mapping[str, Any], request: TextRequest, spec: ModelSpec) -> Reply:
    """Return the text of an answer of the Responses API. Raises ContentBlocked, InvalidReply or ProviderError."""
    model, status = request.model, body.get("status")
    why = _mapping(body.get("incomplete_details")).get("reason")
    parts = [part for item in _list(body.get("output")) for part in _list(item.get("content"))]
    refused = next((part["refusal"] for part in parts if part.get("refusal")), None)
    if refused is not None or why == "content_filter":
        raise _blocked(refused or why, model)
    if status in ("failed", "cancelled"):
        text = f"{model}: the service ended the call as {status!r}. It may have been charged."
        raise ProviderError(text, paid=None, status=status, model=model)
    cut = str(why or status) if status == "incomplete" else ""
    return _reply(_joined(parts), cut, body, request, spec)


def chat_reply(body: Mapping[str, Any], request: TextRequest, spec: ModelSpec) -> Reply:
    """Return the text of an answer of Chat Completions. Raises ContentBlocked or InvalidReply."""
    choice = next(iter(_list(body.get("choices"))), {})
    message, ending = _mapping(choice.get("message")), choice.get("finish_reason")
    if message.get("refusal") or ending == "content_filter":
        raise _blocked(message.get("refusal") or ending, request.model)
    content = message.get("content")
    text = content if isinstance(content, str) else _joined(_list(content))  # some servers answer in parts
    return _reply(text, "length" if ending == "length" else "", body, request, spec)


def _reply(text: str, cut: str, body: Mapping[str, Any], request: TextRequest, spec: ModelSpec) -> Reply:
    """Return the reply; ``cut`` says why the text ends too early, and is empty where it does not."""
    model = request.model
    if not text.strip() or (cut and request.schema is not None):
        what = "sent half an answer" if text.strip() else "answered without text"
        advice = f" ({cut}): allow it more tokens" if cut else ""
        raise unreadable(f"the service {what}{advice}.", model=model)
    return Reply(
        text=text,
        usage=text_usage(body.get("usage")),
        model_used=_answered_by(body, model, spec),
        adaptations=(Adaptation("text", "whole", f"cut off ({cut})", "clamped"),) if cut else (),
    )


def _answered_by(body: Mapping[str, Any], model: str, spec: ModelSpec) -> str | None:
    """Return the model that answered where it is another one; a dated snapshot of the model that was asked is not."""
    named, asked = body.get("model"), remote_name(spec)
    if not isinstance(named, str) or re.fullmatch(re.escape(asked) + r"(-\d{4}-\d\d-\d\d)?", named):
        return None
    return f"{model.partition('/')[0]}/{named}"


def _form(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title") or "answer"))[:64]
    return {"name": name, "schema": dict(schema), "strict": is_strict(schema)}


def is_strict(schema: Any) -> bool:
    """Whether the service can hold its answer to ``schema``: every object lists all its keys as required, no others."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = _mapping(schema.get("properties"))
    if properties or schema.get("type") == "object":
        closed = schema.get("additionalProperties") is False and set(schema.get("required") or ()) == set(properties)
        return closed and all(map(is_strict, [*properties.values(), *_mapping(schema.get("$defs")).values()]))
    return all(map(is_strict, schema.values()))


def _options(request: TextRequest) -> dict[str, Any]:
    options = {name: value for name, value in request.options.items() if value is not None}
    return options if request.seed is None else {**options, "seed": request.seed}


def _blocked(words: Any, model: str) -> ContentBlocked:
    return ContentBlocked(f"{model} refused to answer: {shortened(str(words))}", paid=True, model=model)


def _joined(parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
