"""What a simulated service can be told to do, and which of it the service would charge."""

from __future__ import annotations

from types import MappingProxyType

MODES = MappingProxyType(
    {
        "ok": "answers as it should",
        "rate_limited": "429 with Retry-After: 1",
        "rate_limited_bare": "429 without saying how long to wait",
        "quota": "no credit is left, as the service says it",
        "unavailable": "503, nothing was taken",
        "error_500": "500 in mid-work",
        "html_502": "a gateway's page of HTML",
        "not_json": "200 with text that is no JSON",
        "no_picture": "200 without a picture (or text)",
        "truncated": "a picture (or text) that is cut off",
        "wrong_content_type": "something else than a picture where one should be",
        "blocked_before": "the prompt is refused",
        "blocked_after": "what was made of the prompt is refused",
        "unknown_finish": "a reason to stop that nobody knows",
        "slow": "takes and charges the call, and never answers",
        "drop": "takes and charges the call, then closes the connection",
    }
)
# Refused before any work, or failed at the service's own cost: these stand in no bill.
UNCHARGED = frozenset(
    ("rate_limited", "rate_limited_bare", "quota", "unavailable", "error_500", "html_502", "blocked_before")
)
