"""OpenAI's language models, simulated: the Responses API and Chat Completions, with pictures and JSON schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.drawing import size_of
from imagegen_kit.testing.simulators.openai_errors import Refused, check_names, no_model, other_form
from imagegen_kit.testing.simulators.openai_models import TEXT_MODELS, given_tokens
from imagegen_kit.testing.simulators.replies import decoded, strict

SHARED = (
    "model", "max_tool_calls", "metadata", "parallel_tool_calls", "prompt_cache_key", "safety_identifier",
    "service_tier", "store", "stream", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
)  # fmt: skip
RESPONSES = (
    *SHARED, "background", "include", "input", "instructions", "max_output_tokens", "previous_response_id", "reasoning",
    "text", "truncation",
)  # fmt: skip
CHAT = (
    *SHARED, "messages", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
    "modalities", "n", "presence_penalty", "reasoning_effort", "response_format", "seed", "stop", "verbosity",
)  # fmt: skip
NEW_REASON = "postponed"  # an ending that no list knows


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is taken, and what the answer will be."""

    model: str
    prompt: str
    given: tuple[bytes, ...]  # the pictures; an address is not followed and stands as no bytes
    schema: Mapping[str, Any] | None
    chat: bool
    answer: str = ""  # what the model says

    @property
    def pictures(self) -> int:
        """How many pictures came along."""
        return len(self.given)


@strict(other_form)
def read(body: object, *, chat: bool) -> Question:
    """Return the question. Raises Refused as the service would."""
    if not isinstance(body, Mapping):
        raise Refused(400, "We could not parse the JSON body of your request.")
    check_names(body, CHAT if chat else RESPONSES)
    model = body.get("model")
    if model not in TEXT_MODELS:
        raise no_model(model)
    if body.get("stream"):
        raise Refused(400, "The simulated service does not stream text.", "unsupported_value", param="stream")
    where = "messages" if chat else "input"
    said: list[str] = []
    pictures: list[bytes] = []
    for part in _parts(body.get(where), where):
        kind = part.get("type")
        if kind in ("text", "input_text", "output_text"):
            said.append(str(part.get("text")))
        elif kind == ("image_url" if chat else "input_image"):
            pictures.append(_picture(part["image_url"].get("url") if chat else part.get("image_url"), where))
        else:
            raise Refused(400, f"Invalid value: '{kind}'.", "invalid_value", param=where)
    if not said and not pictures:
        raise Refused(400, f"Missing required parameter: '{where}'.", "missing_required_parameter", param=where)
    return Question(str(model), "\n".join(said), tuple(pictures), _schema(body, chat), chat)


def reply(question: Question, mode: str, number: int) -> dict[str, Any]:
    """Return the body of the answer."""
    said: str | None = question.answer
    if mode in ("no_picture", "blocked_after", "unknown_finish"):
        said = None
    elif mode == "truncated":
        said = str(said)[: len(str(said)) // 2]
    given = texts.words(question.prompt) + given_tokens(question.pictures)
    made = texts.words(said) if said else 0
    make = _chat if question.chat else _response
    return make(question, mode, said, number, given, made)


def _chat(question: Question, mode: str, said: str | None, number: int, given: int, made: int) -> dict[str, Any]:
    endings = {"truncated": "length", "blocked_after": "content_filter", "unknown_finish": NEW_REASON}
    message = {"role": "assistant", "content": said, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": endings.get(mode, "stop"), "logprobs": None}
    details = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
    usage = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made, **details}
    named = {"id": f"chatcmpl-simulated{number}", "object": "chat.completion", "created": 1_763_680_000}
    return {**named, "model": question.model, "choices": [choice], "usage": usage}


def _response(question: Question, mode: str, said: str | None, number: int, given: int, made: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": said, "annotations": []}
    if mode == "blocked_after":
        part = {"type": "refusal", "refusal": "I cannot help with that."}
    states = {"truncated": "incomplete", "unknown_finish": NEW_REASON}
    status = states.get(mode, "completed")
    message = {"id": f"msg_simulated{number}", "type": "message", "role": "assistant", "status": status}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    named = {"id": f"resp_simulated{number}", "object": "response", "created_at": 1_763_680_000}
    return {
        **named,
        "model": question.model,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if mode == "truncated" else None,
        "output": [{**message, "content": [part]}] if said or mode == "blocked_after" else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": given, "output_tokens": made, "total_tokens": given + made, **details},
    }


def _parts(given: object, where: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(given, str) and where == "input":
        yield {"type": "text", "text": given}
    for message in given if isinstance(given, list) else ():
        if message.get("role") not in ("system", "developer", "user", "assistant"):
            raise Refused(400, f"Invalid value: '{message.get('role')}'.", "invalid_value", param=f"{where}[0].role")
        content = message.get("content")
        if isinstance(content, str):
            yield {"type": "text", "text": content}
        else:
            yield from content or ()


def _picture(uri: object, where: str) -> bytes:
    """Return the picture of a data URI. Raises Refused where it holds none; addresses are believed."""
    if str(uri).startswith("https://"):
        return b""
    picture = decoded(str(uri).partition(";base64,")[2])
    if not str(uri).startswith("data:image/") or picture is None or size_of(picture) is None:
        raise Refused(400, "The image data does not represent a valid image.", "invalid_image", param=where)
    return picture


def _schema(body: Mapping[str, Any], chat: bool) -> Mapping[str, Any] | None:
    """Return the schema that the answer must fit; a strict one has to say everything of each object."""
    where = "response_format" if chat else "text.format"
    form = (body.get("response_format") if chat else (body.get("text") or {}).get("format")) or {"type": "text"}
    kind = form.get("type")
    if kind == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    if kind != "json_schema":
        if kind != "text":
            raise Refused(400, f"Invalid value: '{kind}'.", "invalid_value", param=f"{where}.type")
        return None
    form = form.get("json_schema") or {} if chat else form
    if not form.get("name") or not isinstance(form.get("schema"), Mapping):
        raise Refused(400, f"Missing required parameter: '{where}.name'.", "missing_required_parameter", param=where)
    schema: Mapping[str, Any] = form["schema"]
    if form.get("strict") and (fault := _open(schema)):
        raise Refused(400, f"Invalid schema for {where}: {fault}", "invalid_json_schema", param=where)
    texts.fitting(schema)  # a schema that nothing fits is refused now
    return schema


def _open(schema: Any) -> str | None:
    """Return what a strict schema leaves open, None where it leaves nothing."""
    if isinstance(schema, list):
        return next((fault for part in schema if (fault := _open(part))), None)
    if not isinstance(schema, Mapping):
        return None
    properties = schema.get("properties")
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required") or ()) != set(properties or {}):
            return "'required' is required to be supplied and to include every key in properties."
    inner = [*(properties or {}).values(), *(v for k, v in schema.items() if k not in ("properties", "enum", "const"))]
    return _open(inner)
