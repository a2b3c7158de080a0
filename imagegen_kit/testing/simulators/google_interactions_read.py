"""What the Interactions API takes and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.drawing import size_of
from imagegen_kit.testing.simulators.google_errors import Refused, check_names, checked_seed, other_form
from imagegen_kit.testing.simulators.google_models import (
    TEXT_INPUT_TOKENS,
    TEXT_MODELS,
    VIDEO_MODELS,
    VIDEO_TOKENS,
    image_model,
    pixels,
)
from imagegen_kit.testing.simulators.replies import decoded, strict

TOP = (
    "model", "input", "response_format", "generation_config", "background", "stream", "store", "labels", "tools",
    "previous_interaction_id", "safety_settings", "service_tier", "system_instruction", "webhook_config",
)  # fmt: skip
CONFIG = (
    "seed", "temperature", "top_p", "max_output_tokens", "stop_sequences", "thinking_level", "thinking_summaries",
    "video_config", "image_config", "tool_choice",
)  # fmt: skip
FORMATS = {
    "text": ("type", "mime_type", "schema"),
    "image": ("type", "aspect_ratio", "image_size", "mime_type", "delivery"),
    "video": ("type", "aspect_ratio", "duration", "resolution", "delivery"),
}
TASKS = ("text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale")
HEIGHTS = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
MAX_VIDEO_REFERENCES = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """An interaction that is taken. ``tokens`` are those that its output will have."""

    model: str
    kind: str
    prompt: str
    pictures: tuple[bytes, ...]
    tokens: int
    input_tokens: int = TEXT_INPUT_TOKENS
    thoughts: int = 0
    seed: int | None = None
    pixels: tuple[int, int] = (0, 0)
    mime: str = "image/png"
    seconds: int = 0
    delivery: str = "inline"
    schema: Mapping[str, Any] | None = None
    background: bool = False
    stream: bool = False
    store: bool = True


@strict(other_form)
def read(body: object) -> Wanted:
    """Return what is asked. Raises Refused as the service would."""
    if not isinstance(body, Mapping):
        raise Refused(400, "Invalid JSON payload received. Expected an object.")
    check_names("", body, TOP)
    model = str(body.get("model"))
    draws = image_model(model)
    kind = "image" if draws else "video" if model in VIDEO_MODELS else "text"
    if kind == "text" and model not in TEXT_MODELS:
        raise Refused(404, f"models/{model} is not found, or is not supported for interactions.")
    config = body.get("generation_config") or {}
    check_names(" at 'generation_config'", config, CONFIG)
    form = _form(body.get("response_format"), kind)
    prompt, pictures = _said(body.get("input"))
    common: dict[str, Any] = {
        "seed": checked_seed(config.get("seed"), "generation_config.seed"),
        "background": bool(body.get("background")),
        "stream": bool(body.get("stream")),
        "store": body.get("store", True),
    }
    if common["background"] and not common["store"]:
        raise Refused(400, "An interaction in the background must be stored.")
    if kind == "text":
        tokens = texts.words(texts.answer(prompt, len(pictures), form.get("schema")))
        return Wanted(model, kind, prompt, pictures, tokens, schema=form.get("schema"), **common)
    if kind == "video":
        return _film(model, prompt, pictures, form, config.get("video_config") or {}, common)
    assert draws is not None
    ratio, size = form.get("aspect_ratio", "1:1"), form.get("image_size", "1K")
    if ratio not in draws.ratios:
        raise Refused(400, f"Invalid aspect ratio: {ratio!r}. {model} takes {', '.join(draws.ratios)}.")
    if size not in draws.tokens:
        raise Refused(400, f"Invalid image size: {size!r}. {model} takes {', '.join(draws.tokens)}.")
    mime = form.get("mime_type", draws.mime)
    if mime not in ("image/jpeg", draws.mime):
        raise Refused(400, f"Invalid mime type: {mime!r}.")
    if len(pictures) > draws.references:
        raise Refused(400, f"Too many input images: {model} takes at most {draws.references}.")
    return Wanted(
        model, kind, prompt, pictures, draws.tokens[size], draws.input_tokens, draws.thoughts,
        pixels=pixels(ratio, size), mime=mime, delivery=form.get("delivery", "inline"), **common,
    )  # fmt: skip


def _film(
    model: str,
    prompt: str,
    pictures: tuple[bytes, ...],
    form: Mapping[str, Any],
    config: Mapping[str, Any],
    common: Mapping[str, Any],
) -> Wanted:
    check_names(" at 'generation_config.video_config'", config, ("task",))
    if config.get("task", TASKS[0]) not in TASKS:
        raise Refused(400, f"Invalid task: {config['task']!r}.")
    if config.get("task") in ("image_to_video", "reference_to_video") and not pictures:
        raise Refused(400, f"The task {config['task']} needs a picture.")
    if len(pictures) > MAX_VIDEO_REFERENCES:
        raise Refused(400, f"Too many input images: {model} takes at most {MAX_VIDEO_REFERENCES}.")
    ratio, resolution = form.get("aspect_ratio", "16:9"), form.get("resolution", "720p")
    duration = str(form.get("duration", "8s"))
    seconds = int(duration[:-1]) if duration.endswith("s") and duration[:-1].isdigit() else 0
    if ratio not in ("16:9", "9:16") or resolution not in HEIGHTS:
        raise Refused(400, f"Invalid video format: {ratio} at {resolution}.")
    if not 3 <= seconds <= VIDEO_MODELS[model]:
        raise Refused(400, f"Invalid duration: {duration!r}. {model} takes 3s to {VIDEO_MODELS[model]}s.")
    short = HEIGHTS[resolution]
    size = (short * 16 // 9, short) if ratio == "16:9" else (short, short * 16 // 9)
    delivery = form.get("delivery", "inline")
    tokens = seconds * VIDEO_TOKENS
    return Wanted(
        model, "video", prompt, pictures, tokens,
        pixels=size, mime="video/mp4", seconds=seconds, delivery=delivery, **common,
    )  # fmt: skip


def _form(given: object, kind: str) -> Mapping[str, Any]:
    form = given[0] if isinstance(given, list) and len(given) == 1 else given or {"type": kind}
    if not isinstance(form, Mapping) or form.get("type") not in FORMATS:
        raise Refused(400, "Invalid value at 'response_format'.")
    check_names(" at 'response_format'", form, FORMATS[form["type"]])
    if form["type"] != kind:
        raise Refused(400, f"This model does not support the response format {form['type']!r}.")
    return form


def _said(given: object) -> tuple[str, tuple[bytes, ...]]:
    """Return the text and the pictures of the input: a text, blocks, or steps that hold blocks."""
    said: list[str] = []
    pictures: list[bytes] = []
    for block in [{"type": "text", "text": given}] if isinstance(given, str) else _blocks(given):
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            said.append(block["text"])
        elif block.get("type") == "image":
            picture = decoded(block.get("data"))
            if picture is None or size_of(picture) is None:
                raise Refused(400, "Unable to process input image.")
            pictures.append(picture)
        else:
            raise Refused(400, f"Invalid value at 'input': {block.get('type')!r}.")
    if not said and not pictures:
        raise Refused(400, "Invalid value at 'input': it is empty.")
    return "\n".join(said), tuple(pictures)


def _blocks(given: object) -> Iterator[Mapping[str, Any]]:
    for one in given if isinstance(given, list) else ():
        if one.get("type") in ("user_input", "model_output"):
            yield from one.get("content") or ()
        else:
            yield one
