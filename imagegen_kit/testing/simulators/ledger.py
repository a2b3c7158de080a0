"""What a simulated service keeps of its own: every request, and every call that it took and would charge."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Recorded:
    """One HTTP request as it arrived; header names are in lower case. Only its method and path are shown:
    the rest may hold keys."""

    method: str
    path: str
    query: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as data. Raises ValueError where it is no JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Charge:
    """One call that the service took: what it would bill in USD (None: by its tokens), and its name for the job."""

    model: str
    usd: float | None = None
    tokens: int | None = None
    job_id: str | None = None


class Ledger:
    """The judge of a test: what the service saw, not what the toolkit says of itself. Safe from any thread.

    ``also`` is another ledger into which everything is written as well: the one of all simulated services together.
    """

    def __init__(self, also: Ledger | None = None) -> None:
        self.also = also
        self._lock = threading.Lock()
        self._requests: list[Recorded] = []
        self._accepted: list[Charge] = []

    @property
    def requests(self) -> list[Recorded]:
        """Every request, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def accepted(self) -> list[Charge]:
        """Every call that was taken and would be charged."""
        with self._lock:
            return list(self._accepted)

    @property
    def submits(self) -> list[Recorded]:
        """The requests that ask for something to be made, not those that look up what became of it."""
        return [r for r in self.requests if r.method == "POST"]

    def record(self, request: Recorded) -> None:
        """Keep a request."""
        with self._lock:
            self._requests.append(request)
        if self.also is not None:
            self.also.record(request)

    def accept(self, charge: Charge) -> None:
        """Keep a charge."""
        with self._lock:
            self._accepted.append(charge)
        if self.also is not None:
            self.also.accept(charge)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._accepted.clear()

    def __repr__(self) -> str:
        return f"Ledger({len(self.requests)} requests, {len(self.accepted)} accepted)"
