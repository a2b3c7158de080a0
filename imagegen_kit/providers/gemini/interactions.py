"""The Interactions API: what is sent for a picture or a film, and its answer read from JSON."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ContentBlocked, ProviderError, RateLimited, ServiceUnavailable
from imagegen_kit.providers.faults import http_fault, shortened, unreadable
from imagegen_kit.providers.gemini.answer import REFUSALS, Answer
from imagegen_kit.providers.gemini.options import Options, Sent, prompt_of, words_of
from imagegen_kit.providers.gemini.reading import parsed, picture_bytes
from imagegen_kit.providers.gemini.usage import usage_of_interaction

if TYPE_CHECKING:
    from google import genai

    from imagegen_kit.types import ImageRequest

RUNNING = frozenset(("in_progress", "queued"))


def picture_arguments(request: ImageRequest, options: Options, pictures: Iterable[Sent]) -> dict[str, Any]:
    """Return the arguments of ``interactions.create`` for a picture, all but the model's name.

    Raises UnsupportedRequest for exact pixels.
    """
    ratio, resolution = words_of(request.size, request.model)
    form = {
        "type": "image",
        "aspect_ratio": ratio,
        "image_size": resolution,
        "mime_type": f"image/{options.output_format}" if options.output_format else None,
    }
    config = {
        "seed": request.seed,
        "temperature": options.temperature,
        "thinking_level": options.thinking,
        "thinking_summaries": "auto" if options.thoughts else None,
    }
    return {
        "input": input_of(prompt_of(request), pictures),
        "response_format": {name: value for name, value in form.items() if value is not None},
        **common_arguments(config, options),
        "store": False,
        "automatic_continuation": False,  # the SDK would send another call, which would be paid as well
    }


def common_arguments(config: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what all our interactions share: the configuration without what is not asked, and safety settings."""
    arguments: dict[str, Any] = {}
    if given := {name: value for name, value in config.items() if value is not None}:
        arguments["generation_config"] = given
    if options.safety:
        arguments["safety_settings"] = [{"type": c, "threshold": t} for c, t in options.safety]
    return arguments


def input_of(text: str, pictures: Iterable[Sent]) -> str | list[dict[str, Any]]:
    """Return a bare text, or the text and then the pictures in order, each after its caption where it has one."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}]
    for picture in pictures:
        if picture.caption:
            blocks.append({"type": "text", "text": picture.caption})
        data = base64.b64encode(picture.data).decode("ascii")
        blocks.append({"type": "image", "data": data, "mime_type": picture.mime})
    return text if len(blocks) == 1 else blocks


async def raw_interactions(client: genai.Client) -> Any:
    """Return the interactions as JSON; the first use imports half a second of generated code, so in a thread."""
    return await asyncio.to_thread(lambda: client.aio.interactions.with_raw_response)


async def body_of(reply: Any, model: str) -> dict[str, Any]:
    """Return the JSON of a raw reply. Raises ProviderError for a redirection, which the SDK lets through."""
    response = reply.http_response
    if response.status_code >= 300:
        raise http_fault(response.status_code, "", model=model)
    return await asyncio.to_thread(parsed, response.content, model)


def read_interaction(body: Mapping[str, Any], model: str) -> Answer:
    """Return what an interaction holds. Raises the typed error of one that failed, InvalidReply for another form."""
    try:
        answer = _read(body, model)
        failure = body.get("errors") or []
        first = failure[0] if failure else {}
        code, words = first.get("code") or "", shortened(first.get("message") or "")
    except (AttributeError, TypeError, KeyError, IndexError):
        raise unreadable("the service answered with JSON of another form than it documents", model=model) from None
    if body.get("status") == "failed":
        raise _failed(str(code), words, model, answer)
    return answer


def _read(body: Mapping[str, Any], model: str) -> Answer:
    pictures: list[bytes] = []
    films: list[bytes] = []
    texts: list[str] = []
    other = uri = ""
    for content in _outputs(body.get("steps") or []):
        kind = content.get("type")
        if kind == "text":
            texts.append(content.get("text") or "")
        elif kind in ("image", "video"):
            if content.get("data"):
                (pictures if kind == "image" else films).append(picture_bytes(content["data"], model))
            else:
                uri = content.get("uri") or ""
                other = f"{'an address instead of the' if uri else 'an empty'} {kind}"
        else:
            other = str(content.get("mime_type") or kind)
    made = "IMAGE" if pictures else "VIDEO" if films or uri else "TEXT"
    said = body.get("usage") or {}
    status = body.get("status") or ""
    return Answer(
        pictures=tuple(pictures),
        films=tuple(films),
        text="".join(texts),
        other=other,
        address=uri,
        reason=status.upper(),
        usage=usage_of_interaction(said, made),
        paid=True if said.get("total_output_tokens") else None,
        version=body.get("model") or "",
    )


def _outputs(steps: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what the model put out after the last input, thoughts left out."""
    outputs: list[Mapping[str, Any]] = []
    for step in steps:
        if step.get("type") == "user_input":
            outputs.clear()
        elif step.get("type") == "model_output":
            outputs += step.get("content") or []
    return outputs


def _failed(code: str, words: str, model: str, answer: Answer) -> ProviderError:
    """Return the error of a failed interaction; its code is a bare word or an address that ends in one."""
    word = code.rpartition("/")[2].upper()
    said = f": {words}" if words else ""
    context: dict[str, Any] = {"model": model, "status": code or "failed"}
    if word in REFUSALS:
        text = f"{model} refused the request ({code}){said}. Change the prompt."
        return ContentBlocked(text, paid=bool(answer.paid), **context)
    if word == "RESOURCE_EXHAUSTED":
        return RateLimited(f"{model}: too many requests{said}", **context)
    if word == "UNAVAILABLE":
        return ServiceUnavailable(f"{model}: the service is overloaded{said}", **context)
    return ProviderError(f"{model} failed{f' ({code})' if code else ''}{said}", paid=bool(answer.paid), **context)
