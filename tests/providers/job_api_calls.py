"""How the tests of job services call one: a simulator, a provider at its address, and a clock that does not wait."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image
from pydantic import SecretStr

from imagegen_kit.catalog.job_api import shipped_job_apis
from imagegen_kit.providers.base import Account
from imagegen_kit.providers.job_api.plugin import imagegen_providers
from imagegen_kit.types import Accepted, ImageRequest, Progress, Reference, Reply, Size

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.testing.simulators.job_api import JobApiSimulator

SERVICES = sorted(shipped_job_apis())
QUEUES = [name for name in SERVICES if shipped_job_apis()[name].poll]


class Steps:
    """What a provider reports, and a clock whose waits take no time and are remembered."""

    def __init__(self) -> None:
        self.clock = self
        self.sleeps: list[float] = []
        self.events: list[Accepted | Progress] = []
        self.polls_before_accepted: int | None = None

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await asyncio.sleep(0)

    async def pace(self, seconds: float) -> None:
        raise AssertionError("a service has no pace of ours")

    async def __call__(self, event: Accepted | Progress) -> None:
        self.events.append(event)

    @property
    def job_id(self) -> str:
        return next(e.job_id for e in self.events if isinstance(e, Accepted))

    @property
    def texts(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Progress)]


def spec_of(name: str) -> ProviderSpec:
    return next(spec for spec in imagegen_providers() if spec.name == name)


def provider_at(
    sim: JobApiSimulator, spec: ProviderSpec | None = None, *, key: str | None = None, **settings: str
) -> Any:
    """Return a provider that reaches the simulator as its service."""
    spec = spec or spec_of(sim.service)
    return spec.target(Account(key=SecretStr(key or sim.key), base_url=sim.base_url, settings=settings))


def reference(side: int = 16) -> Reference:
    return Reference(Image.new("RGB", (side, side), (side, 20, 30)))


def request_to(
    sim: JobApiSimulator, model: str | None = None, spec: ProviderSpec | None = None, **parts: Any
) -> ImageRequest:
    """Return a request that the service's first picture model (or ``model``) can honestly be sent."""
    spec = spec or spec_of(sim.service)
    name = model or next(m.name for m in spec.models if m.kind == "image")
    if sim.service == "stability-upscale":
        parts.setdefault("references", (reference(),))
    if isinstance(parts.get("size"), (str, tuple)):
        parts["size"] = Size.parse(parts["size"])
    return ImageRequest(**{"prompt": "a red cup", "model": f"{spec.name}/{name}", **parts})


def ask(sim: JobApiSimulator, model: str | None = None, *, steps: Steps | None = None, **parts: Any) -> Reply:
    """Ask the service for one picture."""
    spec = parts.pop("spec", None)
    settings = parts.pop("settings", {})

    async def call() -> Reply:
        provider = provider_at(sim, spec, **settings)
        try:
            answer: Reply = await provider.generate(request_to(sim, model, spec, **parts), steps or Steps())
            return answer
        finally:
            await provider.aclose()

    return asyncio.run(call())


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(picture)) as image:
        image.load()
        return image.size
