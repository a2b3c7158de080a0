"""What goes to a worker and what comes back: plain values that any process with the same kit can read."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit import errors
from imagegen_kit.errors import ImagegenError, ProviderError
from imagegen_kit.providers.secrecy import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.engine.keep import Delivered

BYTES = 64 * 2**10  # of orders or news in one call: above 100 KB Ray uses its object store, which may be full
GATHER_S = 0.001  # orders, and news, that come within it go together: a call of Ray takes as long on both sides
FEW = 16  # calls of a worker: while it has no more, none waits for another, as there is time for a call of Ray each


@dataclass(frozen=True, slots=True)
class Order:
    """One call that the journal has reserved as ``attempt``, and that a worker shall make: once.

    ``sent`` is the request as ``to_plain`` writes it: its pictures lie in the store. ``key`` is the fingerprint of the
    API key to use, None where there is none. ``job_id``: look that job up instead of sending anything. ``measure`` are
    the checks to run on what comes. ``free``: it costs nothing, whatever becomes of it.
    """

    attempt: int
    provider: str
    model: str
    sent: dict[str, Any]
    timeout_s: float
    key: str | None
    job_id: str | None
    idempotency_key: str
    measure: Any
    free: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An error in words and plain values; its class is named by the nearest one that ``errors`` has."""

    kind: str
    message: str
    more: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider says while it works: ``Accepted`` (the worker waits until that is committed) or ``Progress``."""

    attempt: int
    event: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an order: a reply, or the ``failure`` of the call.

    ``problem``: the reply came, and what it brought could not be kept.
    """

    attempt: int
    reply: Delivered | None
    failure: Told | None
    problem: Told | None = None


Event = Said | Ended


def gather_s(calls: int) -> float:
    """Return for how many seconds orders or news wait for others where a worker holds so many calls."""
    return GATHER_S if calls > FEW else 0.0


def fitting(items: Sequence[Order | Event]) -> int:
    """Return how many of ``items``, from the first on and one at least, go together as ``BYTES`` says."""
    left = BYTES
    for count, item in enumerate(items):
        left -= len(pickle.dumps(item))
        if left < 0:
            return max(1, count)
    return len(items)


_ATTRIBUTES = ("retryable", "paid", "retry_after", "status", "provider", "model")


def told(error: BaseException) -> Told:
    """Return ``error`` so that it can travel: no frames, no request, no class that only this process knows."""
    kinds = (cls.__name__ for cls in type(error).__mro__ if getattr(errors, cls.__name__, None) is cls)
    message = error.message if isinstance(error, ImagegenError) else f"{type(error).__name__}: {error}"
    more = {name: getattr(error, name) for name in _ATTRIBUTES if hasattr(error, name)}
    return Told(next(kinds, ImagegenError.__name__), redacted(message), more)


def raised(failure: Told) -> ImagegenError:
    """Return the error that ``told`` was given, as far as it is one of ours."""
    found: type[ImagegenError] = getattr(errors, failure.kind)
    error = found.__new__(found)  # some take other arguments than the words that they end in
    if isinstance(error, ProviderError):
        ProviderError.__init__(error, failure.message)
    else:
        ImagegenError.__init__(error, failure.message)
    for name, value in failure.more.items():
        setattr(error, name, value)
    return error
