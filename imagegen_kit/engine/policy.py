"""How to try: attempts, timeouts, fallback, checks, concurrency, and the clock that all waiting goes by."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.lazy import Shown
from imagegen_kit.settings import settings

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry


class Clock(Protocol):
    """What time it is, how long things take, how to wait, and how much to spread waits."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def pace(self, seconds: float) -> None:
        """Let an offline model claim to have taken ``seconds``."""

    def jitter(self) -> float:
        """Return a number in 0 … 1."""


class SystemClock:
    """The real clock: offline models take the time that they really take."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)

    async def pace(self, seconds: float) -> None:
        """Do nothing: the work has taken its own time."""

    def jitter(self) -> float:
        """Return a random number in 0 … 1."""
        return random.random()  # noqa: S311  # spreads waits, guards nothing


class SimulatedClock:
    """A clock whose hands move only when somebody waits, each task by its own: the same seconds in every run.

    Use it (``Policy(clock="simulated")``) where a notebook's figures must not depend on the machine.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed: ContextVar[float] = ContextVar("elapsed", default=0.0)

    def now(self) -> datetime:
        """Return the start: the day does not pass."""
        return self._start

    def monotonic(self) -> float:
        """Return how long this task has waited so far."""
        return self._elapsed.get()

    async def sleep(self, seconds: float) -> None:
        """Move this task's hands; other tasks get their turn."""
        self._elapsed.set(self._elapsed.get() + seconds)
        await asyncio.sleep(0)

    async def pace(self, seconds: float) -> None:
        """Move this task's hands by what the model claims."""
        await self.sleep(seconds)

    def jitter(self) -> float:
        """Return the middle."""
        return 0.5


CLOCKS: dict[str, type[Clock]] = {"system": SystemClock, "simulated": SimulatedClock}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Shown):
    """How to try a request.

    ``attempts`` counts the first call; only failures known to be unpaid are repeated. ``timeout_s`` None is the model's
    own from the catalogue. ``concurrency`` is how many calls an account may have open (None: the model's own).
    ``fallback`` names a model, or several, to ask after a failure; ``placeholder`` draws a marked stand-in when nothing
    came, or takes the picture whose path it is for one: both are off unless asked, because a comparison must not show
    one model under another's name. ``cache`` False
    buys again what is already there. ``assume_usd`` is the price to budget with where none is known (a number, or by
    model). ``checks`` names checks that a picture must pass (a list, or limits by name). ``clock`` is "system" (None),
    "simulated", or a Clock.
    """

    attempts: int = 3
    timeout_s: float | None = None
    concurrency: int | None = None
    fallback: str | tuple[str, ...] | None = None
    placeholder: bool | str = False
    cache: bool = True
    assume_usd: float | dict[str, float] | None = None
    checks: Any = None
    clock: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if type(self.attempts) is not int or not 1 <= self.attempts <= 20:
            faults.append(Fault("attempts", f"{self.attempts!r} is not a whole number from 1 to 20."))
        if self.timeout_s is not None and not (is_amount(self.timeout_s) and self.timeout_s > 0):
            faults.append(Fault("timeout_s", f"{self.timeout_s!r} is not a number of seconds above 0."))
        if self.concurrency is not None and (type(self.concurrency) is not int or self.concurrency < 1):
            faults.append(Fault("concurrency", f"{self.concurrency!r} is not a whole number above 0."))
        if isinstance(self.placeholder, os.PathLike):
            object.__setattr__(self, "placeholder", os.fspath(self.placeholder))
        if type(self.placeholder) is not bool and not (isinstance(self.placeholder, str) and self.placeholder):
            what = f"{self.placeholder!r} is neither True nor False, nor the path of a picture."
            faults.append(Fault("placeholder", what))
        if type(self.cache) is not bool:
            faults.append(Fault("cache", f"{self.cache!r} is neither True nor False."))
        names = self.fallback if isinstance(self.fallback, (list, tuple)) else (self.fallback or "",)
        if not all(isinstance(name, str) for name in names):
            faults.append(Fault("fallback", f"{self.fallback!r} names no model.", 'Write it like "offline/collage".'))
        if isinstance(self.clock, str) and self.clock not in CLOCKS:
            faults.append(Fault("clock", f"{self.clock!r} is not a clock.", "Use 'system' or 'simulated'."))
        prices = self.assume_usd.values() if isinstance(self.assume_usd, dict) else (self.assume_usd,)
        if any(p is not None and not is_amount(p) for p in prices):
            hint = 'Write a number like 0.04, or {"provider/model": 0.04}.'
            faults.append(Fault("assume_usd", f"{self.assume_usd!r} is not a price in USD.", hint))
        if self.checks:
            faults += check_faults(self.checks) + _scored_faults(self.checks)
        if faults:
            raise InvalidInput(faults)
        if isinstance(self.fallback, list):
            object.__setattr__(self, "fallback", tuple(self.fallback))
        if isinstance(self.clock, str):
            object.__setattr__(self, "clock", CLOCKS[self.clock]())
        elif self.clock is None:
            object.__setattr__(self, "clock", SystemClock())

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The fallback models in order, possibly none."""
        if self.fallback is None:
            return ()
        return (self.fallback,) if isinstance(self.fallback, str) else self.fallback

    def assumed_price(self, model: str) -> float | None:
        """Return the price that the user assumes for ``model`` in USD, or None."""
        return self.assume_usd.get(model) if isinstance(self.assume_usd, dict) else self.assume_usd

    def with_(self, **changes: Any) -> Policy:
        """Return a changed copy."""
        return replace(self, **changes)

    def to_plain(self) -> dict[str, Any]:
        """Return what differs from the defaults, JSON-ready; a clock only by name ("system" is left out)."""
        plain: dict[str, Any] = {}
        for name in (
            "attempts",
            "timeout_s",
            "concurrency",
            "fallback",
            "placeholder",
            "cache",
            "assume_usd",
            "checks",
        ):
            value = getattr(self, name)
            if value != getattr(DEFAULT, name):
                plain[name] = list(value) if isinstance(value, tuple) else value
        if isinstance(self.clock, SimulatedClock):
            plain["clock"] = "simulated"
        return plain

    def __repr__(self) -> str:
        return "Policy(" + ", ".join(f"{k}={v!r}" for k, v in self.to_plain().items()) + ")"


_PLAIN = ("attempts", "timeout_s", "concurrency", "fallback", "placeholder", "cache", "assume_usd", "checks")
DEFAULT = Policy()


def is_amount(value: object) -> bool:
    """Whether ``value`` is a number of zero or more (numpy's too); numbers as text, True and NaN are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) >= 0


def check_faults(checks: Any) -> list[Fault]:
    """Return what is wrong with a list of checks or their limits: told now, not when a picture is paid for."""
    from PIL import Image

    from imagegen_kit.checks import run_checks

    try:
        run_checks(Image.new("L", (8, 8)), checks)
    except InvalidInput as error:
        return [Fault(f"checks: {f.where}", f.what, f.hint) for f in error.faults]
    return []


def _scored_faults(checks: Any) -> list[Fault]:
    from imagegen_kit.checks import SCORED

    named = [name for name in SCORED if isinstance(checks, Mapping) and isinstance(checks.get(name), Mapping)]
    what = "is a scorer: no picture is held to its limits when it is made."
    return [Fault(f"checks: {name}", f"{name!r} {what}", "Give them to a style, or to run.score.") for name in named]


def policy_faults(policy: Policy, registry: Registry) -> list[Fault]:
    """Return what is wrong with a policy in this session: fallback models that nobody knows."""
    faults: list[Fault] = []
    for name in policy.fallbacks:
        try:
            registry.model(name, today=date.min)
        except InvalidInput as error:
            if not settings().replay:  # nothing is sent then
                faults += [Fault("fallback", f.what, f.hint) for f in error.faults]
    if isinstance(policy.placeholder, str) and not settings().replay:
        try:
            Picture.open(policy.placeholder, where="placeholder")
        except InvalidInput as error:
            faults += error.faults
    return faults


def timestamp(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")


def day_of(moment: datetime) -> str:
    """Return the UTC day, which daily budgets go by."""
    return moment.astimezone(UTC).date().isoformat()
