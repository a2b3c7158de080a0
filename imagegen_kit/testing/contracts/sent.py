"""What of a request is visible in what a service received."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.testing.simulators.ledger import Recorded

_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)")


@dataclass(frozen=True, slots=True)
class Sent:
    """The requests that one call made. ``texts`` holds all that is text in them, ``length`` the bytes in all."""

    requests: tuple[Recorded, ...]

    @property
    def length(self) -> int:
        """The length of all bodies together."""
        return sum(len(r.body) for r in self.requests)

    @property
    def texts(self) -> str:
        """Everything that was sent, in plain text: paths, queries, and bodies with JSON read."""
        return "\n".join(part for request in self.requests for part in _texts(request))

    def holds(self, value: object) -> bool:
        """Whether ``value`` stands somewhere in what was sent."""
        return str(value) in self.texts

    def comparable(self) -> tuple[tuple[str, str, bytes], ...]:
        """Return what was submitted, without what differs between equal calls (the boundaries of forms)."""
        return tuple((r.path, r.query, _without_boundary(r)) for r in self.requests if r.method == "POST")


def _without_boundary(request: Recorded) -> bytes:
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    return request.body.replace(found[1].encode(), b"") if found else request.body


def _texts(request: Recorded) -> Iterable[str]:
    yield f"{request.path}?{request.query}"
    try:
        data = request.json
    except ValueError:
        yield request.body.decode("utf-8", "replace").replace("\r\n", "\n")
    else:
        yield from _leaves(data)


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield str(value)
