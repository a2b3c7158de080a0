"""Failures of google-genai's two APIs, its login and its transport, each as one typed error.

Told apart by status codes and by the structured details of google.rpc, never by the words of a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx2
from google.auth import exceptions as login
from google.genai import errors

from imagegen_kit.errors import AuthenticationFailed, ProviderError, QuotaExhausted, ServiceUnavailable
from imagegen_kit.providers.faults import http_fault, shortened, transport_fault, unreadable, wait_asked

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_REASONS = frozenset(("API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "ACCESS_TOKEN_EXPIRED"))
CREDIT_REASONS = frozenset(("BILLING_DISABLED", "BILLING_NOT_ENABLED"))
_NO_LOGIN = "Run `gcloud auth application-default login`, or set VERTEX_API_KEY."


def fault_of(error: BaseException, *, model: str, key_help: str, key: str | None = None) -> ProviderError:
    """Return the typed error for whatever the SDK raised; ``key`` is taken out of the service's own words."""
    if isinstance(error, ProviderError):
        return error
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if isinstance(status, int):
        body = getattr(error, "body", None) if hasattr(error, "body") else getattr(error, "details", None)
        if status == 200:
            return unreadable("the service answered with something that is not JSON", model=model)
        headers = getattr(getattr(error, "response", None), "headers", None)
        return _of_status(status, body, headers, model, key_help, key)
    if isinstance(error, (json.JSONDecodeError, errors.UnknownApiResponseError)):
        return unreadable("the service answered with something that is not JSON", model=model)
    if isinstance(error, login.GoogleAuthError):
        if isinstance(error, login.TransportError):
            return ServiceUnavailable(f"{model}: Google's login cannot be reached. Check the network.", model=model)
        return AuthenticationFailed(f"{model}: there is no valid login for the project. {_NO_LOGIN}", model=model)
    if isinstance(error, (ValueError, TypeError)):  # the SDK looks at arguments first; answers are read by us
        words = shortened(str(error))
        return ProviderError(f"{model}: google-genai does not send this request: {words}", model=model, paid=False)
    cause = error.__cause__
    return transport_fault(cause if isinstance(cause, httpx2.HTTPError) else error, model=model)


def _of_status(
    status: int, body: object, headers: Mapping[str, str] | None, model: str, key_help: str, key: str | None
) -> ProviderError:
    said = _error_in(body)
    words = _words(said, body, key)
    details = list(_details(said))
    reasons = {detail.get("reason") for detail in details}
    wait = wait_asked(headers)
    if wait is None:
        wait = next((w for d in details if (w := _seconds(d.get("retryDelay"))) is not None), None)
    context: dict[str, Any] = {"model": model, "status": status}
    told = f": {words}" if words else ""
    if status in (401, 403) or reasons & KEY_REASONS:
        if reasons & CREDIT_REASONS:
            return QuotaExhausted(f"{model}: billing is not enabled for this account{told}", **context)
        text = f"{model}: the service did not accept the key (HTTP {status}){told}. {key_help}"
        return AuthenticationFailed(text, **context)
    if status == 429 and any(_used_up(d) for d in details):
        text = f"{model}: the quota of this account is used up{told}. Wait for a new day, or enable billing."
        return QuotaExhausted(text, retry_after=wait, **context)
    return http_fault(status, words, model=model, headers=headers, retry_after=wait)


def _error_in(body: object) -> Mapping[str, Any]:
    """Return the error object of an error's JSON, whether bare, wrapped, or alone in a list."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body


def _words(said: Mapping[str, Any], body: object, key: str | None) -> str:
    words = str(said.get("message") or (body if isinstance(body, str) else ""))
    if words.lstrip().startswith("<"):  # a page of a gateway tells nothing
        return ""
    return shortened((words.replace(key, "…") if key else words).rstrip(". "))


def _details(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = said.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, Mapping):
            yield detail


def _used_up(detail: Mapping[str, Any]) -> bool:
    """Whether a QuotaFailure names a quota of a day, or one that is zero for this account."""
    violations = detail.get("violations")
    for one in violations if isinstance(violations, list) else []:
        if "PerDay" in str(one.get("quotaId", "")) or str(one.get("quotaValue", "")) == "0":
            return True
    return False


def _seconds(duration: object) -> float | None:
    """Return a duration of google.protobuf ("31s", "0.5s") in seconds."""
    try:
        return float(str(duration).removesuffix("s")) if duration else None
    except ValueError:
        return None
