"""A request to ``generate_content``: its parts and its configuration, as the SDK's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.genai import types

from imagegen_kit.providers.gemini.options import Options, Sent, prompt_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.types import ImageRequest, TextRequest

# The answer is read from its own JSON (reading.py): the SDK's models warn about each word that is newer than they are.
# And a call is one POST: neither "continuations" nor function calls may send another, which would be paid as well.
_ONE_CALL: dict[str, Any] = {
    "automatic_continuation": False,
    "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
}


def parts_of(text: str, pictures: Iterable[Sent]) -> list[types.Part]:
    """Return the text and then the pictures in order, each after its caption where it has one."""
    parts = [types.Part.from_text(text=text)]
    for picture in pictures:
        if picture.caption:
            parts.append(types.Part.from_text(text=picture.caption))
        parts.append(types.Part.from_bytes(data=picture.data, mime_type=picture.mime))
    return parts


def picture_parts(request: ImageRequest, pictures: Iterable[Sent]) -> list[types.Part]:
    """Return what is said and shown to a model that draws."""
    return parts_of(prompt_of(request), pictures)


def picture_config(request: ImageRequest, options: Options) -> types.GenerateContentConfig:
    """Return how a picture is to be made. Raises UnsupportedRequest for exact pixels."""
    ratio, resolution = words_of(request.size, request.model)
    image: dict[str, Any] = {
        "aspect_ratio": ratio,
        "image_size": resolution,
        "person_generation": options.person_generation.upper() if options.person_generation else None,
        "output_mime_type": f"image/{options.output_format}" if options.output_format else None,
    }
    image = {name: value for name, value in image.items() if value is not None}
    return types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"] if options.stream or options.thoughts else ["IMAGE"],
        image_config=types.ImageConfig(**image) if image else None,
        seed=request.seed,
        **_common(options),
    )


def text_config(request: TextRequest, options: Options) -> types.GenerateContentConfig:
    """Return how an answer in text is to be made."""
    schema: dict[str, Any] = {} if request.schema is None else {
        "response_mime_type": "application/json",
        "response_json_schema": dict(request.schema),
    }  # fmt: skip
    return types.GenerateContentConfig(
        system_instruction=request.system, seed=request.seed, **schema, **_common(options)
    )


def _common(options: Options) -> dict[str, Any]:
    return {
        "temperature": options.temperature,
        "max_output_tokens": options.max_output_tokens,
        "safety_settings": [
            types.SafetySetting(
                category=types.HarmCategory[f"HARM_CATEGORY_{category.upper()}"],
                threshold=types.HarmBlockThreshold[threshold.upper()],
            )
            for category, threshold in options.safety
        ]
        or None,
        "thinking_config": _thinking(options),
        "should_return_http_response": None if options.stream else True,
        **_ONE_CALL,
    }


def _thinking(options: Options) -> types.ThinkingConfig | None:
    if options.thinking is None and not options.thoughts:
        return None
    thoughts = True if options.thoughts else None
    if isinstance(options.thinking, int):
        return types.ThinkingConfig(thinking_budget=options.thinking, include_thoughts=thoughts)
    level = types.ThinkingLevel[options.thinking.upper()] if options.thinking else None
    return types.ThinkingConfig(thinking_level=level, include_thoughts=thoughts)
