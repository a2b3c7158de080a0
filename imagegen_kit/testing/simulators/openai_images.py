"""The bodies and events of OpenAI's Images API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.openai_models import given_tokens
from imagegen_kit.testing.simulators.replies import NO_PICTURE, encoded, event

if TYPE_CHECKING:
    from imagegen_kit.testing.simulators.openai_images_read import Asked

CREATED = 1_763_680_000
BROKEN = {"type": "server_error", "code": "internal_error", "message": "The server had an error.", "param": None}


def image_body(asked: Asked, mode: str, pictures: Sequence[bytes]) -> dict[str, Any]:
    """Return the answer with all pictures."""
    data: list[dict[str, Any]] = [{"b64_json": _b64(picture, mode)} for picture in pictures]
    if mode == "no_picture":
        data = []
    elif mode == "unknown_finish":
        data = [{"status": "postponed"}]
    return {"created": CREATED, **_told(asked), "data": data, "usage": _usage(asked, mode)}


def completed(asked: Asked, mode: str, picture: bytes) -> dict[str, Any] | None:
    """Return the last event of a stream; None where there is none."""
    if mode in ("no_picture", "unknown_finish"):
        return None
    told = {"created_at": CREATED, **_told(asked), "usage": _usage(asked, mode)}
    return {"type": f"{_kind(asked)}.completed", "b64_json": _b64(picture, mode), **told}


async def events_of(
    asked: Asked, mode: str, drafts: Sequence[bytes], last: dict[str, Any] | None
) -> AsyncIterator[bytes]:
    """Send the partial pictures and the last event, or an error after the first of them."""
    for number, draft in enumerate(drafts):
        name = f"{_kind(asked)}.partial_image"
        told = {"created_at": CREATED, **_told(asked), "partial_image_index": number}
        yield event({"type": name, "b64_json": encoded(draft), **told}, name)
        if mode == "stream_error":
            break
    if mode == "stream_error":
        yield event({"type": "error", "error": BROKEN}, "error")
    elif last is not None:
        yield event(last, last["type"])


def _kind(asked: Asked) -> str:
    return "image_edit" if asked.edit else "image_generation"


def _b64(picture: bytes, mode: str) -> str:
    return encoded(NO_PICTURE if mode == "wrong_content_type" else picture, mode)


def _told(asked: Asked) -> dict[str, str]:
    """Return what was chosen in the end, as the service tells it."""
    return {
        "background": "opaque" if asked.background == "auto" else asked.background,
        "output_format": asked.format,
        "quality": "medium" if asked.quality == "auto" else asked.quality,
        "size": f"{asked.size[0]}x{asked.size[1]}",
    }


def _usage(asked: Asked, mode: str) -> dict[str, Any]:
    words, pictures = texts.words(asked.prompt), given_tokens(len(asked.pictures))
    made = 0 if mode in ("no_picture", "unknown_finish") else asked.tokens
    return {
        "input_tokens": words + pictures,
        "input_tokens_details": {"image_tokens": pictures, "text_tokens": words},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        "total_tokens": words + pictures + made,
    }
