"""The form in which a simulator knows a job service; ``job_api_queues`` and ``job_api_others`` hold the services.

``{…}`` in an answer is filled by the simulator: id, base, model, seed, picture (the address of the picture), b64,
picture_json, place (in the queue), words and code (of an error), foreign (an address on another host), status.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One way in: its path (``{model}`` may hold slashes), the form of the body, and the only fields that it takes.

    ``needs`` are the fields without which it refuses, ``only`` a pattern of the models that it is for. ``reads`` are
    regular expressions by field: what their groups find (prompt, seed, width, height…) is read by those names.
    """

    path: str
    takes: frozenset[str]
    needs: frozenset[str] = frozenset({"prompt"})
    form: str = "json"
    only: str = "*"
    reads: Mapping[str, str] = field(default_factory=empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One service. ``states`` are the answers to a poll by what became of the job: pending, done, failed and others.

    ``billed`` are those of them that are charged though no picture comes.
    """

    doors: tuple[Door, ...]
    auth: tuple[str, str] | None = ("authorization", "Bearer {key}")
    base_path: str = ""
    accepted: Any = None
    poll: str = ""
    states: Mapping[str, Any] = field(default_factory=empty)
    pending_http: int = 200
    billed: frozenset[str] = frozenset()
    result: str = ""
    results: Mapping[str, Any] = field(default_factory=empty)
    cancel: tuple[str, str] | None = None
    upload: tuple[str, frozenset[str], Any] | None = None
    error: Any = None
    error_http: int | None = None
    refused_http: int = 400
    refusal: Any = None


def takes(names: str) -> frozenset[str]:
    """Return the names in a text as a set."""
    return frozenset(names.split())
