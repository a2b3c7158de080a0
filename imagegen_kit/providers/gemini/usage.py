"""What Google's two APIs report as consumed, as ``Usage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.types import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

Counts = dict[str, int]


def usage_of_generated(said: Mapping[str, Any], has_picture: bool) -> Usage | None:
    """Read ``usageMetadata`` of generate_content; None where it is empty.

    Where an answer with a picture gives no details of its tokens they are all image tokens: the text rate is an order
    of magnitude lower and would understate the cost.
    """
    return _usage(
        _count(said, "promptTokenCount"),
        _by_modality(said.get("promptTokensDetails"), "tokenCount"),
        _count(said, "cachedContentTokenCount"),
        _by_modality(said.get("cacheTokensDetails"), "tokenCount"),
        _count(said, "candidatesTokenCount"),
        _by_modality(said.get("candidatesTokensDetails"), "tokenCount"),
        (_count(said, "thoughtsTokenCount"), _count(said, "toolUsePromptTokenCount")),
        "IMAGE" if has_picture else "TEXT",
    )


def usage_of_interaction(said: Mapping[str, Any], made: str) -> Usage | None:
    """Read ``usage`` of an interaction; ``made`` is the modality of its output: "IMAGE", "VIDEO" or "TEXT"."""
    return _usage(
        _count(said, "total_input_tokens"),
        _by_modality(said.get("input_tokens_by_modality"), "tokens"),
        _count(said, "total_cached_tokens"),
        _by_modality(said.get("cached_tokens_by_modality"), "tokens"),
        _count(said, "total_output_tokens"),
        _by_modality(said.get("output_tokens_by_modality"), "tokens"),
        (_count(said, "total_thought_tokens"), _count(said, "total_tool_use_tokens")),
        made,
    )


def _usage(
    prompt: int | None,
    prompt_by: Counts,
    cached: int | None,
    cached_by: Counts,
    output: int | None,
    output_by: Counts,
    others: tuple[int | None, int | None],
    made: str,
) -> Usage | None:
    thoughts, tools = others
    if prompt is None and output is None and not prompt_by and not output_by:
        return None
    inputs, kept = _split(prompt, prompt_by, "TEXT"), _split(cached, cached_by, "TEXT")
    outputs = _split(output, output_by, "TEXT" if output_by else made)
    text_in, text_out = inputs.pop("TEXT", 0) - kept.get("TEXT", 0) + (tools or 0), outputs.pop("TEXT", 0)
    image_in = inputs.pop("IMAGE", 0) - kept.get("IMAGE", 0)
    images, films = outputs.pop("IMAGE", 0), outputs.pop("VIDEO", 0)
    return Usage(
        input_text_tokens=None if prompt is None and not prompt_by else max(0, text_in + sum(inputs.values())),
        input_image_tokens=max(0, image_in) if "IMAGE" in prompt_by else None,
        cached_text_tokens=sum(n for name, n in kept.items() if name != "IMAGE") if kept else None,
        cached_image_tokens=kept.get("IMAGE"),
        output_text_tokens=text_out + sum(outputs.values()) + (thoughts or 0)
        if text_out or outputs or thoughts
        else None,
        output_image_tokens=images or None,
        output_video_tokens=films or None,
    )


def _split(total: int | None, by: Counts, rest: str) -> Counts:
    """Return ``by``, with what ``total`` counts beyond it as ``rest``."""
    missing = (total or 0) - sum(by.values())
    return {**by, rest: by.get(rest, 0) + missing} if missing > 0 else dict(by)


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) else None


def _by_modality(details: object, counted: str) -> Counts:
    found: Counts = {}
    for one in details if isinstance(details, list) else []:
        name, count = str(one.get("modality", "TEXT")).upper(), one.get(counted)
        if isinstance(count, int):
            found[name] = found.get(name, 0) + count
    return found
