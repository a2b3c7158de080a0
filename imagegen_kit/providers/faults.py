"""From a service's failure to one typed error: the one place that says what was paid and what may be tried again.

Adapters classify where they know the service (status and code fields); message text is never searched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import (
    AuthenticationFailed,
    InvalidReply,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE = 300  # characters of a service's own words


def http_fault(
    status: int, words: str, *, model: str, headers: Mapping[str, str] | None = None, retry_after: float | None = None
) -> ProviderError:
    """Return the error for an HTTP ``status`` with the service's own ``words``.

    4xx was refused before any work, so it is not paid. 503 says that the request was not taken. Other 5xx (a gateway
    that gave up, an error in mid-work) leave open whether the picture was made and charged.
    """
    wait = retry_after if retry_after is not None else wait_asked(headers)
    words = shortened(words)
    context: dict[str, Any] = {"model": model, "status": status, "retry_after": wait}
    said = f"{model}: the service answered {status}" + (f": {words}" if words else "")
    if status in (401, 403):
        return AuthenticationFailed(f"{said}. Check the key, and that it may use this model.", **context)
    if status == 402:
        return QuotaExhausted(f"{said}. The account has no credit left.", **context)
    if status == 429:
        return RateLimited(f"{said}. Too many requests.", **context)
    if status == 404:
        return ProviderError(f"{said}. The service does not know this model or address.", **context)
    if status == 408:
        return RequestTimeout(said, **context)
    if status == 503:
        return ServiceUnavailable(said, **context)
    if status >= 500:
        return OutcomeUnknown(f"{said}. It may have been made and charged.", **context)
    return ProviderError(said, **context)


def transport_fault(error: BaseException, *, model: str) -> ProviderError:
    """Return the error for an exception of the HTTP client: what never left this machine was never paid."""
    import httpx2

    context: dict[str, Any] = {"model": model}
    name = type(error).__name__
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)):
        return ServiceUnavailable(f"{model}: the service cannot be reached ({name}). Check the network.", **context)
    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        return ProviderError(f"{model}: the service's address cannot be used: {shortened(str(error))}", **context)
    if isinstance(error, (httpx2.TimeoutException, TimeoutError)):
        return RequestTimeout(f"{model} gave no answer in time ({name})", **context)
    if isinstance(error, httpx2.HTTPError):
        return OutcomeUnknown(f"{model}: the connection broke after the request was sent ({name})", **context)
    return OutcomeUnknown(f"{model} failed with {name}: {shortened(str(error))}", **context)


def unreadable(what: str, *, model: str) -> InvalidReply:
    """Return the error for a 200 whose body is not what the service documents: most likely charged."""
    return InvalidReply(f"{model}: {shortened(what)}", model=model)


def wait_asked(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds that ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date) asks for, or None."""
    if not headers:
        return None
    found = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after-ms" in found:
            return max(0.0, float(found["retry-after-ms"]) / 1000)
        if "retry-after" not in found:
            return None
        value = found["retry-after"].strip()
        if value.replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # a header that nobody can read is no wish
        return None


def shortened(words: str) -> str:
    """Return a service's words on one line, cut to what fits an error message."""
    line = " ".join(words.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"
