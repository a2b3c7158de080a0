"""Models whose behaviour a test writes down: what each call does, and what was really called."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.engine.session import default_engine
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.types import Accepted, ImageRequest, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERYTHING = Capabilities(
    references=4, mask=True, negative_prompt=True, seed=True, qualities=("low", "high"), options={"mood": "the mood"}
)


def picture(number: int = 0, side: int = 24, size: tuple[int, int] | None = None) -> bytes:
    """A small PNG that differs for each number."""
    file = BytesIO()
    Image.new("RGB", size or (side, side), (number % 256, number // 256 % 256, 99)).save(file, "PNG")
    return file.getvalue()


def job(name: str = "job-1", then: Any = None) -> Callable[..., Any]:
    """Accept the job under ``name`` and go on with ``then``."""

    async def step(script: Script, request: ImageRequest, on_progress: Any) -> Reply:
        script.submits += 1
        await on_progress(Accepted(name, f"https://example.org/jobs/{name}"))
        return await script.play(then, request, on_progress)

    return step


def reply(**parts: Any) -> Callable[..., Any]:
    """Answer with a picture and whatever else the reply says."""

    async def step(script: Script, request: ImageRequest, on_progress: Any) -> Reply:
        return Reply(**{"pictures": (picture(script.calls),), **parts})

    return step


async def hang(script: Script, request: ImageRequest, on_progress: Any) -> Reply:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@dataclass
class Script:
    """What the calls do, one step a call; after the last step all goes well.

    A step is None (a picture), an exception (raised), bytes (the picture's), or an async function
    ``(script, request, on_progress)``. ``gate``, if set, holds every call until it is opened.
    """

    steps: list[Any] = field(default_factory=list)
    collected: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    calls: int = 0
    submits: int = 0
    collects: list[str] = field(default_factory=list)
    requests: list[ImageRequest] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)  # with which each call was made
    refused: dict[str, Exception] = field(default_factory=dict)  # keys that are not taken, and what is said of them
    idempotency_keys: list[str] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def call(self, request: ImageRequest, on_progress: Any) -> Reply:
        self.requests.append(request)
        step = self.steps[self.calls] if self.calls < len(self.steps) else None
        self.calls += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            return await self.play(step, request, on_progress)
        finally:
            self.open -= 1

    async def collect(self, job_id: str, request: ImageRequest, on_progress: Any) -> Reply:
        step = self.collected[len(self.collects)] if len(self.collects) < len(self.collected) else None
        self.collects.append(job_id)
        return await self.play(step, request, on_progress)

    async def play(self, step: Any, request: ImageRequest, on_progress: Any) -> Reply:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, bytes):
            return Reply(pictures=(step,))
        if step is not None:
            answer: Reply = await step(self, request, on_progress)
            return answer
        number = (request.seed or 0) * 7 + request.sample + len(request.prompt) * 31 + self.calls
        return Reply(pictures=(picture(number, size=request.size.pixels() if request.size else None),))


def model(
    name: str = "lab/one",
    *steps: Any,
    price: float | None = 0.0,
    resumable: bool = False,
    can: Capabilities = EVERYTHING,
    version: str | None = "1",
    origin: str = "",
    seconds: float = 0.0,
    collected: Sequence[Any] = (),
    key_env: tuple[str, ...] = (),
    **of_model: Any,
) -> Script:
    """Register a model that follows a script, and return the script. ``price`` None is unknown."""
    script = Script(steps=list(steps), seconds=seconds, collected=list(collected))
    provider, _, short = name.partition("/")

    class Scripted:
        def __init__(self, account: Any) -> None:
            self.account = account

        async def generate(self, request: ImageRequest, on_progress: Any) -> Reply:
            key = self.account.key.get_secret_value() if self.account.key is not None else None
            script.keys.append(key)
            script.idempotency_keys.append(on_progress.idempotency_key)
            if key in script.refused:
                await asyncio.sleep(script.seconds)
                raise script.refused[key]
            return await script.call(request, on_progress)

    class Resumable(Scripted):
        async def collect(self, job_id: str, request: ImageRequest, on_progress: Any) -> Reply:
            return await script.collect(job_id, request, on_progress)

    spec = ModelSpec(short, can=can, price=None if price is None else Price(price), **of_model)
    ik.register(
        ProviderSpec(
            provider,
            models=(spec,),
            target=Resumable if resumable else Scripted,
            origin=origin or f"simulated:{provider}",
            output_version=version,
            key_env=key_env,
        )
    )
    return script


class Watch:
    """A clock that only moves when somebody waits, the same for all tasks, and remembers every wait."""

    def __init__(self, day: datetime = datetime(2026, 3, 4, 5, tzinfo=UTC)) -> None:
        self.day, self.seconds, self.sleeps = day, 0.0, []  # type: ignore[var-annotated]

    def now(self) -> datetime:
        return self.day + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(round(seconds, 3))
        self.seconds += seconds
        await asyncio.sleep(0)

    async def pace(self, seconds: float) -> None:
        await self.sleep(seconds)

    def jitter(self) -> float:
        return 1.0


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Read the journal of the session's store."""
    journal = default_engine().store.journal
    journal.flush().result()
    return journal.read(sql, values)


def ledger() -> list[tuple[Any, ...]]:
    """Return state, reserved and spent of every entry."""
    return rows("SELECT state, reserved_usd, spent_usd FROM ledger ORDER BY attempt")


def one(prompt: str = "a cup", **given: Any) -> Any:
    """Ask for one picture and return its result; failures are values."""
    answer = ik.run(ik.recipes.image, prompt=prompt, **{"model": "lab/one", **given})
    return answer.results[0]


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition of another thread."""
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        with contextlib.suppress(InterruptedError):
            time.sleep(0.005)
