"""What came back: replies, results, costs, checks, and the events on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.lazy import Shown
from imagegen_kit.types.common import Status, empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.types.artifacts import Artifact
    from imagegen_kit.types.requests import Request

SIMULATED = "simulated:"  # how the origin of everything begins that a simulator answered
FOLDED = "put into the prompt"  # nothing is lost, so it is never unfair
COMPARABLE = " (comparable)"  # ends the words of another difference that weakens no comparison


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One recorded difference between what was asked and what was sent.

    ``how`` is dropped, changed, clamped, folded or replaced; ``unfair`` says that it weakens a comparison with models
    that honoured the request.
    """

    field: str
    asked: Any
    sent: Any
    how: str
    unfair: bool = True

    def __str__(self) -> str:
        if self.how == "dropped":
            return f"{self.field} {self.asked} ignored"
        if self.how == "folded":
            return f"{self.field} {FOLDED}"
        return f"{self.field} {self.asked} → {self.sent}" + ("" if self.unfair else COMPARABLE)


class Noted(Adaptation):
    """An adaptation as the journal tells it: in words."""

    __slots__ = ()

    def __init__(self, words: str, unfair: bool) -> None:
        field, _, rest = words.partition(" ")
        super().__init__(field, None, None, rest, unfair and rest != FOLDED and not rest.endswith(COMPARABLE))

    def __str__(self) -> str:
        return f"{self.field} {self.how}"


def noted(words: str | None, unfair: object) -> tuple[Adaptation, ...]:
    """Read adaptations back from the journal, where they stand in words, one a line."""
    return tuple(Noted(line, bool(unfair)) for line in words.split("\n")) if words else ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service reported as consumed; None where it said nothing.

    The parts do not overlap: ``input_*`` leave out what came from the service's cache (``cached_*``), and
    ``output_text_tokens`` hold thoughts too. ``seconds`` is the time that the service itself charged or measured.
    """

    input_text_tokens: int | None = None
    input_image_tokens: int | None = None
    cached_text_tokens: int | None = None
    cached_image_tokens: int | None = None
    output_text_tokens: int | None = None
    output_image_tokens: int | None = None
    output_video_tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """``usd`` was spent now (0 when cached), ``price_usd`` when the picture was bought; None is unknown.

    ``basis`` is reported, usage, table, estimate, assumed, derived or unknown; ``prices`` names the list that was used
    and its day or version ("prices.yaml 2026-11-20"), empty where none was.
    """

    usd: float | None
    price_usd: float | None
    basis: str
    prices: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a provider: its state, the service's job id, and how it ended."""

    number: int
    state: str
    account: str
    origin: str
    seconds: float | None = None
    job_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one named check: a number, its limit, and whether it passed (None: could not be judged)."""

    name: str
    passed: bool | None
    value: float | str | None = None
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A part of a request that a model cannot honour in any form."""

    field: str
    asked: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field} {self.asked}: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider returns: encoded pictures (or films, or text) as the service sent them, and what it said of them.

    ``cost_usd`` is the charge that the service itself reported; ``model_used`` the model that answered, where the
    service names it; ``timings`` seconds by part (queue, submit, wait, download …); ``rest_s`` the seconds for which
    the service wants no further call of this account (its rate limit is used up).
    """

    pictures: tuple[bytes, ...] = ()
    films: tuple[bytes, ...] = ()
    text: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    seed_used: int | None = None
    model_used: str | None = None
    adaptations: tuple[Adaptation, ...] = ()
    timings: Mapping[str, float] = field(default_factory=empty)
    rest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Result(Shown):
    """What came of one request. In a batch a failure is such a value; ``error`` says what happened.

    ``origin`` is where it was asked for: scheme, host and API version, ``local:…`` or ``simulated:…``.
    """

    request: Request
    sent: Request | None
    status: Status
    artifacts: tuple[Artifact, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    usage: Usage | None = None
    cost: Cost = Cost(None, None, "unknown")
    timings: Mapping[str, float] = field(default_factory=empty)
    adaptations: tuple[Adaptation, ...] = ()
    checks: tuple[Check, ...] = ()
    error: str | None = None
    error_type: str | None = None
    model_used: str | None = None
    origin: str | None = None
    key: str | None = None
    step: int = 0
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    @property
    def ok(self) -> bool:
        """Whether a picture of a real model came back (fresh, cached, or from a fallback that the policy allowed)."""
        return self.status in ("ok", "cached", "fallback")

    @property
    def simulated(self) -> bool:
        """Whether a simulator stood in for the service."""
        return bool(self.origin) and str(self.origin).startswith(SIMULATED)

    @property
    def text(self) -> str | None:
        """The answer in text; None where none came, or a picture did."""
        answer = next((a for a in self.artifacts if a.kind == "text"), None)
        return answer.data.decode() if answer is not None and answer.data is not None else None

    @property
    def film(self) -> Any:
        """The film that came, a ``Film``; None where none did."""
        return next((a for a in self.artifacts if a.kind == "film"), None)

    @property
    def data(self) -> Any:
        """The answer as data, where a ``schema`` was asked for: what its JSON says. None where there is no text."""
        return None if self.text is None else json.loads(self.text)

    @property
    def seconds(self) -> float | None:
        """Seconds of the attempt that answered, None where nothing was called (cached, failed before sending)."""
        return self.timings.get("total")

    def __repr__(self) -> str:
        return f"Result({self.request.model}, {self.status}{', ' + self.error if self.error else ''})"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A service took a job and named it; committed to the journal before the first poll."""

    job_id: str
    poll_url: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is (0 … 1, or None) and what it is doing; ``picture`` holds a partial picture's bytes, if any."""

    fraction: float | None = None
    text: str = ""
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Waiting(Progress):
    """Nothing is sent for ``seconds``, and why: the service asked to wait, or an attempt failed and is repeated."""

    model: str = ""
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """An event of ``stream``: the request number ``step`` of the recipe ended with ``result``."""

    step: int
    result: Result

    @property
    def path(self) -> str | None:
        """Where what came lies in the store; None where nothing came."""
        return self.result.artifacts[0].path if self.result.artifacts else None

    @property
    def error(self) -> str | None:
        """What went wrong, None where nothing did."""
        return self.result.error


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of ``stream``: the recipe returned ``value``."""

    value: Any
