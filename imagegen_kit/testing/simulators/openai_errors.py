"""Errors as OpenAI words them. Needs starlette; loaded when a simulator starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.replies import json_reply

if TYPE_CHECKING:
    from starlette.responses import Response

UNSAFE = "Your request was rejected by the safety system. If you believe this is an error, contact help.openai.com."


class Refused(Exception):
    """A request that the service does not take: an HTTP status, words, and the code, type and field that it names."""

    def __init__(
        self,
        status: int,
        words: str,
        code: str | None = None,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(words)
        self.status, self.headers = status, headers
        self.error = {"message": words, "type": kind, "param": param, "code": code, **more}

    def response(self) -> Response:
        """Return what is sent."""
        return json_reply({"error": self.error}, self.status, self.headers)


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise Refused for the first field that the service does not know."""
    for name in sorted(set(given) - set(known)):
        raise Refused(400, f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)


def check_value(name: str, value: object, allowed: Iterable[object]) -> None:
    """Raise Refused for a value that is none of those ``allowed``."""
    allowed = list(allowed)
    if value not in allowed:
        words = f"Invalid value: '{value}'. Supported values are: {', '.join(repr(one) for one in allowed)}."
        raise Refused(400, words, "invalid_value", param=name)


def other_form() -> Refused:
    """Return the refusal of a body that is put together otherwise than documented."""
    return Refused(400, "Invalid type: a value is of another type than the parameter takes.", "invalid_type")


def no_model(model: object) -> Refused:
    """Return the refusal of a model that is not there, or not any more."""
    return Refused(404, f"The model '{model}' does not exist or has been retired.", "model_not_found", param="model")


def wrong_key(given: str) -> Refused:
    """Return the refusal of a missing or wrong key; the service shows a few letters of it."""
    if not given:
        return Refused(401, "You didn't provide an API key. Put it into an Authorization header: Bearer YOUR_KEY.")
    shown = f"{given[:4]}****{given[-4:]}" if len(given) > 8 else "****"  # a short one is not shown at all
    words = f"Incorrect API key provided: {shown}. Find your API key at https://platform.openai.com/account/api-keys."
    return Refused(401, words, "invalid_api_key")


def fault(mode: str, model: str, *, text: bool) -> Refused | None:
    """Return the refusal that ``mode`` stands for, None where it is none of those."""
    if mode in ("rate_limited", "rate_limited_bare"):
        words = f"Rate limit reached for {model} on requests per min (RPM): Limit 5, Used 5."
        wait = {"retry-after": "1", "x-ratelimit-reset-requests": "1s"} if mode == "rate_limited" else {}
        headers = {"x-ratelimit-remaining-requests": "0", **wait} if wait else None
        return Refused(429, words, "rate_limit_exceeded", kind="requests", headers=headers)
    if mode == "quota":
        words = "You exceeded your current quota, please check your plan and billing details."
        return Refused(429, words, "insufficient_quota", kind="insufficient_quota")
    if mode == "unavailable":
        return Refused(503, "The engine is currently overloaded, please try again later.", kind="service_unavailable")
    if mode == "error_500":
        return Refused(500, "The server had an error while processing your request.", kind="server_error")
    if mode == "blocked_before":
        if text:
            return Refused(400, "Invalid prompt: it was flagged as potentially violating our policy.", "invalid_prompt")
        return Refused(400, UNSAFE, "moderation_blocked", kind="image_generation_user_error")
    return None


def blocked_picture() -> Refused:
    """Return the refusal of a picture that was made already."""
    stage = {"moderation_stage": "output", "categories": ["violence"]}
    return Refused(
        400, UNSAFE, "moderation_blocked", kind="image_generation_user_error", moderation_details=stage
    )  # fmt: skip
