"""The bodies that ``generateContent`` answers with, whole or as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.google_models import TEXT_INPUT_TOKENS
from imagegen_kit.testing.simulators.replies import NO_PICTURE, encoded

if TYPE_CHECKING:
    from imagegen_kit.testing.simulators.google_checks import Asked

NEW_REASON = "PICTURE_POSTPONED"  # a reason to stop that no list knows
SAID = "Here is your picture."


def answer(asked: Asked, mode: str, picture: bytes, number: int) -> dict[str, Any]:
    """Return the whole answer; ``picture`` is what was drawn (empty for a model of text)."""
    usage = _usage(asked, mode)
    named = {"modelVersion": asked.model, "responseId": f"simulated-{number}"}
    if mode == "blocked_before":
        feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "The prompt was refused."}
        return {"promptFeedback": {**feedback, "safetyRatings": []}, "usageMetadata": usage, **named}
    candidate: dict[str, Any] = {"finishReason": _reason(asked, mode), "index": 0}
    if parts := _parts(asked, mode, picture):
        candidate["content"] = {"role": "model", "parts": parts}
    return {"candidates": [candidate], "usageMetadata": usage, **named}


def chunks(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut an answer into what a stream sends: one part in each event, why it ended and the count of tokens last."""
    candidate = (whole.get("candidates") or [{}])[0]
    parts = candidate.get("content", {}).get("parts", [])
    named = {name: whole[name] for name in ("modelVersion", "responseId")}
    for part in parts:
        yield {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], **named}
    if parts:
        end = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": candidate["finishReason"]}
        yield {"candidates": [{**end, "index": 0}], "usageMetadata": whole["usageMetadata"], **named}
    else:
        yield whole


def _reason(asked: Asked, mode: str) -> str:
    if mode == "blocked_after":
        return "IMAGE_SAFETY" if asked.draws else "SAFETY"
    if mode == "no_picture" and asked.draws:
        return "NO_IMAGE"
    if mode == "truncated" and not asked.draws:
        return "MAX_TOKENS"
    return NEW_REASON if mode == "unknown_finish" else "STOP"


def _parts(asked: Asked, mode: str, picture: bytes) -> list[dict[str, Any]]:
    if mode in ("blocked_after", "unknown_finish"):
        return []
    thought = [{"text": "I think about the picture.", "thought": True}] if asked.show_thoughts else []
    if asked.draws is None or "IMAGE" not in asked.modalities:
        said = asked.said or texts.answer(asked.prompt, len(asked.pictures), asked.schema)
        if mode == "truncated":
            said = said[: len(said) // 2]
        return [] if mode == "no_picture" else [*thought, {"text": said}]
    if mode == "no_picture":
        return [*thought, {"text": "I cannot draw this, but I can describe it."}]
    mime, data = (asked.mime, picture) if mode != "wrong_content_type" else ("application/pdf", NO_PICTURE)
    words = [{"text": SAID}] if "TEXT" in asked.modalities else []
    return [*thought, *words, {"inlineData": {"mimeType": mime, "data": encoded(data, mode)}}]


def _usage(asked: Asked, mode: str) -> dict[str, Any]:
    """Return the count of tokens; the words beside a picture stand in the sum only, as the service does it."""
    per_picture = asked.draws.input_tokens if asked.draws else TEXT_INPUT_TOKENS
    given = {"TEXT": texts.words(asked.prompt), "IMAGE": per_picture * len(asked.pictures)}
    usage: dict[str, Any] = {
        "promptTokenCount": sum(given.values()),
        "promptTokensDetails": [{"modality": name, "tokenCount": count} for name, count in given.items() if count],
    }
    images = out = 0
    if mode not in ("blocked_before", "no_picture", "unknown_finish"):  # what is refused when it is made has its tokens
        if asked.draws and "IMAGE" in asked.modalities:
            images = asked.draws.tokens[asked.size]
            out = images + (texts.words(SAID) if "TEXT" in asked.modalities else 0)
        else:
            out = texts.words(asked.said or texts.answer(asked.prompt, len(asked.pictures), asked.schema))
        usage["candidatesTokenCount"] = out
        if images:
            usage["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": images}]
    elif mode == "no_picture" and asked.draws:
        out = usage["candidatesTokenCount"] = 9
    if asked.thoughts and mode != "blocked_before":
        usage["thoughtsTokenCount"] = asked.thoughts
    usage["totalTokenCount"] = usage["promptTokenCount"] + out + usage.get("thoughtsTokenCount", 0)
    return usage
