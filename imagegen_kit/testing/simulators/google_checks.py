"""What ``generateContent`` of Google takes and what it refuses: read strictly, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.drawing import size_of
from imagegen_kit.testing.simulators.google_errors import Refused, check_names, checked_seed, other_form
from imagegen_kit.testing.simulators.google_models import TEXT_MODELS, ImageModel, image_model
from imagegen_kit.testing.simulators.replies import decoded, strict

TOP = (
    "contents", "systemInstruction", "safetySettings", "generationConfig", "tools", "toolConfig", "cachedContent",
    "serviceTier", "labels", "store",
)  # fmt: skip
CONFIG = (
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
    "frequencyPenalty", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
    "thinkingConfig", "imageConfig", "mediaResolution", "responseLogprobs", "logprobs",
)  # fmt: skip
IMAGE_CONFIG = ("aspectRatio", "imageSize")
ENTERPRISE_IMAGE_CONFIG = (*IMAGE_CONFIG, "personGeneration", "prominentPeople", "imageOutputOptions")
SIZES = ("512", "1K", "2K", "4K")
CATEGORIES = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
THRESHOLDS = ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is taken. ``draws`` is None for a model of text."""

    model: str
    draws: ImageModel | None
    prompt: str
    pictures: tuple[bytes, ...]
    seed: int | None = None
    ratio: str = "1:1"
    size: str = "1K"
    mime: str = ""
    modalities: tuple[str, ...] = ("TEXT",)
    thoughts: int = 0
    show_thoughts: bool = False
    schema: Mapping[str, Any] | None = None
    longest: int | None = field(default=None)
    said: str = ""  # what a model of text answers


@strict(other_form)
def read(model: str, body: object, *, enterprise: bool = False) -> Asked:
    """Return what is asked of ``model``. Raises Refused as the service would."""
    draws = image_model(model)
    if draws is None and model not in TEXT_MODELS:
        raise Refused(404, f"models/{model} is not found, or is not supported for generateContent.")
    if not isinstance(body, Mapping):
        raise Refused(400, "Invalid JSON payload received. Expected an object.")
    check_names("", body, TOP)
    config = _mapping(body.get("generationConfig"), "generation_config")
    check_names(" at 'generation_config'", config, CONFIG)
    for one in body.get("safetySettings") or ():
        if one.get("category", "").removeprefix("HARM_CATEGORY_") not in CATEGORIES or (
            one.get("threshold") not in THRESHOLDS
        ):
            raise Refused(400, "Invalid value at 'safety_settings'.")
    prompt, pictures = _contents(body.get("contents"))
    seed = checked_seed(config.get("seed"), "generation_config.seed")
    thoughts, shown = _thinking(config.get("thinkingConfig"), model, draws)
    common: dict[str, Any] = {"seed": seed, "thoughts": thoughts, "show_thoughts": shown}
    if draws is not None:
        return Asked(model, draws, prompt, pictures, **common, **_picture(config, model, draws, pictures, enterprise))
    if "imageConfig" in config or "IMAGE" in (config.get("responseModalities") or ()):
        raise Refused(400, "This model does not support the requested response modalities: image.")
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema and config.get("responseMimeType") != "application/json":
        raise Refused(400, "Function calling or a response schema needs response mime type 'application/json'.")
    if config.get("responseMimeType") == "application/json":
        schema = schema or {"type": "object", "properties": {"answer": {"type": "string"}}}
        texts.fitting(schema)  # a schema that nothing fits is refused now
    return Asked(model, None, prompt, pictures, **common, schema=schema, longest=config.get("maxOutputTokens"))


def _picture(
    config: Mapping[str, Any], model: str, draws: ImageModel, pictures: tuple[bytes, ...], enterprise: bool
) -> dict[str, Any]:
    if len(pictures) > draws.references:
        raise Refused(400, f"Too many input images: {model} takes at most {draws.references}.")
    if config.get("candidateCount", 1) != 1:
        raise Refused(400, "Multiple candidates is not enabled for this model.")
    if {"responseSchema", "responseJsonSchema"} & set(config):
        raise Refused(400, "JSON mode is not enabled for this model.")
    modalities = tuple(config.get("responseModalities") or ("TEXT", "IMAGE"))
    if not set(modalities) <= {"TEXT", "IMAGE"}:
        raise Refused(400, f"Invalid value at 'generation_config.response_modalities': {list(modalities)}")
    image = _mapping(config.get("imageConfig"), "generation_config.image_config")
    known = ENTERPRISE_IMAGE_CONFIG if enterprise else IMAGE_CONFIG
    check_names(" at 'generation_config.image_config'", image, known)
    ratio, size = image.get("aspectRatio", "1:1"), image.get("imageSize", "1K")
    if ratio not in draws.ratios:
        raise Refused(400, f"Invalid aspect ratio: {ratio!r}. {model} takes {', '.join(draws.ratios)}.")
    if size not in SIZES or size not in draws.tokens:
        raise Refused(400, f"Invalid image size: {size!r}. {model} takes {', '.join(draws.tokens)}.")
    output = _mapping(image.get("imageOutputOptions"), "generation_config.image_config.image_output_options")
    mime = output.get("mimeType", draws.mime)
    if mime not in ("image/png", "image/jpeg"):
        raise Refused(400, f"Invalid output mime type: {mime!r}.")
    return {"ratio": ratio, "size": size, "mime": mime, "modalities": modalities}


def _thinking(given: object, model: str, draws: ImageModel | None) -> tuple[int, bool]:
    """Return the tokens of thinking, and whether the thoughts are shown."""
    thinking = {camel(name): value for name, value in _mapping(given, "generation_config.thinking_config").items()}
    check_names(" at 'thinking_config'", thinking, ("thinkingLevel", "thinkingBudget", "includeThoughts"))
    levels = ("MINIMAL", "LOW", "MEDIUM", "HIGH") if draws is None else draws.levels
    if thinking and not levels:
        raise Refused(400, f"Thinking is not enabled for models/{model}")
    level = str(thinking.get("thinkingLevel", "")).upper()
    if level and level not in levels:
        raise Refused(400, f"Thinking level {level} is not supported for models/{model}.")
    by_level = {"MINIMAL": 0, "LOW": 40, "MEDIUM": 120, "HIGH": 400}
    least = draws.thoughts if draws is not None else 20
    return max(draws.thoughts if draws else 0, by_level.get(level, least)), bool(thinking.get("includeThoughts"))


def _contents(contents: object) -> tuple[str, tuple[bytes, ...]]:
    """Return the text and the pictures of all that is said."""
    texts: list[str] = []
    pictures: list[bytes] = []
    for content in contents if isinstance(contents, list) else ():
        check_names(" at 'contents[0]'", _mapping(content, "contents"), ("role", "parts"))
        if content.get("role", "user") not in ("user", "model"):
            raise Refused(400, "Please use a valid role: user, model.")
        for part in content.get("parts") or ():
            part = {camel(name): value for name, value in part.items()}  # noqa: PLW2901  # both spellings are taken
            check_names(" at 'contents[0].parts[0]'", part, ("text", "inlineData", "thought", "thoughtSignature"))
            if "inlineData" in part:
                pictures.append(_picture_given({camel(k): v for k, v in part["inlineData"].items()}))
            elif isinstance(part.get("text"), str):
                texts.append(part["text"])
    if not texts and not pictures:
        raise Refused(400, "* GenerateContentRequest.contents: contents is not specified")
    return "\n".join(texts), tuple(pictures)


def _picture_given(data: Mapping[str, Any]) -> bytes:
    check_names(" at 'contents[0].parts[0].inline_data'", data, ("mimeType", "data"))
    if not str(data.get("mimeType", "")).startswith("image/"):
        raise Refused(400, f"Unsupported MIME type: {data.get('mimeType')}")
    picture = decoded(data.get("data"))
    if picture is None or size_of(picture) is None:
        raise Refused(400, "Unable to process input image. Please retry or report in the developer forum.")
    return picture


def camel(name: str) -> str:
    """Return a field's name as JSON spells it: the service takes both spellings."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Refused(400, f"Invalid value at '{where}'.")
    return value
