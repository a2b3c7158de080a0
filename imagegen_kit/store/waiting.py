"""How long to wait before something is tried again: pure arithmetic, for calls and uploads alike."""

from __future__ import annotations

BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 60.0


def backoff(attempt: int, retry_after: float | None, jitter: float) -> float:
    """Return the seconds to wait after failed ``attempt`` (1, 2, …).

    What the service asked for wins; else full jitter over an exponentially growing span (M. Brooker, "Exponential
    Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    if retry_after is not None:
        return max(0.0, retry_after)
    return float(jitter * min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (attempt - 1)))
