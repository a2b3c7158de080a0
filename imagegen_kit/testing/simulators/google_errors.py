"""Errors as Google's services word them. Needs starlette; loaded when a simulator starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.replies import json_reply

if TYPE_CHECKING:
    from starlette.responses import Response

STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
TYPE = "type.googleapis.com/google.rpc."


class Refused(Exception):
    """A request that the service does not take: an HTTP status, words, and google.rpc details."""

    def __init__(self, status: int, words: str, *details: Mapping[str, Any], wait: int | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.details, self.wait = status, words, details, wait

    def response(self) -> Response:
        """Return what is sent."""
        error: dict[str, Any] = {"code": self.status, "message": self.words, "status": STATUSES[self.status]}
        if self.details:
            error["details"] = list(self.details)
        headers = {"retry-after": str(self.wait)} if self.wait is not None else None
        return json_reply({"error": error}, self.status, headers)


def check_names(where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise Refused for a field that the service does not know, as it says it."""
    if unknown := sorted(set(given) - set(known)):
        words = [f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.' for name in unknown]
        violations = [{"field": where.strip(" at'"), "description": one} for one in words]
        raise Refused(400, "\n".join(words), {"@type": f"{TYPE}BadRequest", "fieldViolations": violations})


def checked_seed(value: object, where: str) -> int | None:
    """Return a seed. Raises Refused for what is no number of 32 bits."""
    if value is None:
        return None
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise Refused(400, f"Invalid value at '{where}' (TYPE_INT32), {value!r}")
    return value


def other_form() -> Refused:
    """Return the refusal of a body that is put together otherwise than documented."""
    return Refused(400, "Invalid JSON payload received: a value is of another type than the field takes.")


def wrong_key() -> Refused:
    """Return the refusal of a key that nobody knows."""
    info = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    return Refused(400, "API key not valid. Please pass a valid API key.", info)


def no_key() -> Refused:
    """Return the refusal of a call without any key."""
    return Refused(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other"
        " form of API consumer identity to call this API.",
    )


def fault(mode: str, model: str) -> Refused | None:
    """Return the refusal that ``mode`` stands for, None where it is none of those."""
    if mode in ("rate_limited", "rate_limited_bare", "quota"):
        words = "You exceeded your current quota, please check your plan and billing details."
        if mode == "rate_limited_bare":
            return Refused(429, words)
        day = mode == "quota"
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": f"GenerateRequestsPer{'Day' if day else 'Minute'}PerProjectPerModel",
            "quotaDimensions": {"location": "global", "model": model},
            "quotaValue": "50" if day else "10",
        }
        failure = {"@type": f"{TYPE}QuotaFailure", "violations": [violation]}
        if day:
            return Refused(429, words, failure)
        return Refused(429, words, failure, {"@type": f"{TYPE}RetryInfo", "retryDelay": "1s"}, wait=1)
    if mode == "unavailable":
        return Refused(503, "The model is overloaded. Please try again later.")
    return Refused(500, "An internal error has occurred.") if mode == "error_500" else None
