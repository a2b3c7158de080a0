"""From the SDK's exceptions and OpenAI's error codes to our errors: by class and by field, never by words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai

from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
)
from imagegen_kit.providers.faults import http_fault, shortened, transport_fault, wait_asked
from imagegen_kit.providers.openai.headers import rest_asked
from imagegen_kit.providers.openai.plugin import ADDRESS, KEY, KEY_URL

BLOCKED = {
    "moderation_blocked",
    "content_policy_violation",
    "image_content_policy_violation",
    "content_filter",
    "invalid_prompt",
    "bio_policy",
    "misalignment_policy_violation",
}
NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
STATUS = {"rate_limit_exceeded": 429, "model_not_found": 404, "invalid_api_key": 401}  # in answers that have no status


def fault_of(error: BaseException, *, model: str, key: str = "") -> ProviderError:
    """Return our error for what the SDK, or the HTTP client under it, raised; ``key`` is kept out of its words."""
    if isinstance(error, openai.APIConnectionError):
        return transport_fault(error.__cause__ or error, model=model)
    if isinstance(error, openai.APIStatusError):
        return stated_fault(_said(error, key), model=model, status=error.status_code, headers=error.response.headers)
    if isinstance(error, openai.APIError):  # an error in the midst of a stream
        return stated_fault(_said(error, key), model=model)
    if isinstance(error, openai.OpenAIError):  # raised by the SDK's own checks, before anything is sent
        return ProviderError(f"{model}: {_without(key, str(error))}", paid=False, model=model)
    return transport_fault(error, model=model)


def stated_fault(
    said: Mapping[str, Any], *, model: str, status: int | None = None, headers: Mapping[str, str] | None = None
) -> ProviderError:
    """Return the error for the error object ``said`` (code, type, message) of an answer or of a stream.

    Without a ``status`` the call was under way already, so an error that is no refusal leaves open what was charged.
    """
    names = [name for name in (said.get("code"), said.get("type")) if isinstance(name, str)]
    words = shortened(str(said.get("message") or next(iter(names), ""))).rstrip(".")
    status = status or next((STATUS[name] for name in names if name in STATUS), None)
    context: dict[str, Any] = {"model": model, "status": status or next(iter(names), None)}
    if BLOCKED.intersection(names):
        details = said.get("moderation_details")
        made = isinstance(details, Mapping) and details.get("moderation_stage") == "output"
        what = "the picture that it had made" if made else "the content"
        text = f"{model} refused {what}: {words}. Change the prompt or the pictures given with it."
        return ContentBlocked(text, paid=made, **context)
    if NO_CREDIT.intersection(names):
        text = f"{model}: the account has no credit left: {words}. Add credit, or raise the limit of the account."
        return QuotaExhausted(text, **context)
    if status is None:
        text = f"{model}: the service gave up in the midst of its work: {words}. It may have been made and charged."
        return OutcomeUnknown(text, **context)
    if status in (401, 403):
        text = f"{model}: the service answered {status}: {words}. {key_advice('that it may use this model')}"
        return AuthenticationFailed(text, **context)
    if status == 404 and "model_not_found" not in names:
        words += f". Check {ADDRESS}: most servers' addresses end in /v1"
    headers = headers or {}
    wait = wait_asked(headers)
    if wait is None and status == 429:
        wait = rest_asked(headers)
    fault = http_fault(status, words, model=model, retry_after=wait)
    if headers.get("x-should-retry") == "false":
        fault.retryable = False
    return fault


def key_advice(also: str = "") -> str:
    """Return which variable holds the key and where to get one, in a sentence."""
    return f"Check {KEY}{f', and {also}' if also else ''}. Get a key at {KEY_URL}."


def _said(error: openai.APIError, key: str) -> Mapping[str, Any]:
    """Return the error object of an answer. Some servers repeat the key in their words, gateways send pages."""
    message = error.message
    if isinstance(error.body, dict):
        message = str(error.body.get("message") or error.body.get("detail") or "")
    elif isinstance(error.body, str):
        page = error.body.lstrip().startswith("<")
        message = "a page instead of an answer" if page else error.body
    stated = error.body if isinstance(error.body, dict) else {}
    return {**stated, "message": _without(key, message)}


def _without(key: str, words: str) -> str:
    return words.replace(key, "…") if key else words
