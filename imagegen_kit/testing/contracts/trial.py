"""One provider on trial: how the checks build it, ask it, and see what became of that."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from imagegen_kit.capabilities import Fitted, fit
from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.lazy import load_target
from imagegen_kit.providers.base import VERBS, Account
from imagegen_kit.settings import Endpoint
from imagegen_kit.testing.contracts.clock import Sink
from imagegen_kit.testing.contracts.sent import Sent
from imagegen_kit.testing.contracts.words import sentence
from imagegen_kit.types import EMPTY, ImageRequest, Reference, Reply, Size, Unsupported, VideoRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping

    from PIL import Image

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.testing.simulators.server import Simulator
    from imagegen_kit.types import Request

PATIENCE_S = 30.0
KEY = "contract-key-7f3a91c2"  # given to providers that need none; nobody may ever show it


@dataclass(slots=True)
class Trial:
    """A provider's spec, the simulator that stands in for its service (or None), and what the author said of it."""

    spec: ProviderSpec
    simulator: Simulator | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    wanted: tuple[str, ...] = ()
    size: Any = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _runner: asyncio.Runner | None = None
    _kept: Any = None

    # what is asked of whom

    @property
    def key(self) -> str:
        """The key that the account holds."""
        return self.simulator.key if self.simulator is not None else KEY

    @property
    def serves(self) -> bool:
        """Whether the provider calls a service, which these tests must not do without a simulator."""
        return bool(self.spec.base_url or self.spec.base_url_env or self.spec.key_env)

    def models(self, kind: str = "image") -> list[ModelSpec]:
        """Return the models under test of one kind: those that the author names, else all but the retired ones."""
        found = [m for m in self.spec.models if m.kind == kind and (not self.wanted or m.name in self.wanted)]
        return [m for m in found if self.wanted or not _retired(m)]

    def lead(self, kind: str = "image") -> ModelSpec:
        """Return the first model of a kind; skips the check where the provider has none."""
        models = self.models(kind)
        if not models:
            pytest.skip(f"{self.spec.name} has no {kind} model")
        return models[0]

    def service(self) -> Simulator:
        """Return the simulator; skips the check where there is none."""
        if self.simulator is None:
            pytest.skip(
                "no simulator of the service"
                if self.serves
                else f"{self.spec.name} works on this machine, without a service"
            )
        return self.simulator

    # accounts and providers

    def account(self, key: str | None = None) -> Account:
        """Return the account under test, or one with another key."""
        from pydantic import SecretStr

        if self.serves and self.simulator is None:
            pytest.skip(f"{self.spec.name} calls a service: give the contract a fixture `simulator`")
        address = self.simulator.base_url if self.simulator is not None else None
        return Account("contract", SecretStr(self.key if key is None else key), address, dict(self.settings))

    def endpoint(self) -> Endpoint | None:
        """Return where the engine shall reach the provider, None for one without a service."""
        from pydantic import SecretStr

        if self.simulator is None:
            return None
        return Endpoint(self.simulator.base_url, SecretStr(self.key), f"simulated:{self.spec.name}")

    def target(self) -> Any:
        """Return the provider's class (or a function that builds one). Fails in words that name it."""
        named = self.spec.target
        try:
            found = load_target(named) if isinstance(named, str) else named
        except Exception as error:
            text = f"the target {named!r} does not load, {type(error).__name__}: {sentence(error)}"
            pytest.fail(f"{text} Write it as 'module:Class', and install what it imports.", pytrace=False)
        if not callable(found):
            pytest.fail(
                f"the target {named!r} is a {type(found).__name__}: name a class, 'module:Class'", pytrace=False
            )
        if isinstance(found, type) and not any(hasattr(found, verb) for verb in VERBS.values()):
            verbs = ", ".join(dict.fromkeys(VERBS.values()))
            pytest.fail(f"the target {named!r} is a class without any of the verbs {verbs}: write one", pytrace=False)
        return found

    def build(self, account: Account | None = None) -> Any:
        """Return a new provider object."""
        return self.target()(self.account() if account is None else account)

    @asynccontextmanager
    async def provider(self, account: Account | None = None) -> AsyncIterator[Any]:
        """Lend a new provider object and close it."""
        found = self.build(account)
        try:
            yield found
        finally:
            if hasattr(found, "aclose"):
                await found.aclose()

    # requests and calls

    def plain(self, model: ModelSpec) -> Request:
        """Return the simplest request to a model of pictures or films."""
        if model.kind == "video":
            first = noise() if model.can.first_frame else None
            id = f"{self.spec.name}/{model.name}"
            return VideoRequest(prompt="a red kite rises over a green hill", model=id, first_frame=first)
        return self.request(model)

    def request(self, model: ModelSpec, prompt: str = "a red kite over a green hill", **fields: Any) -> ImageRequest:
        """Return a request as the engine would send it. Fails where the model's own capabilities refuse it."""
        if self.size is not None:
            fields.setdefault("size", Size.parse(self.size))
        if model.can.min_references and not fields.get("references"):
            fields["references"] = tuple(map(reference, range(model.can.min_references)))
        asked = ImageRequest(prompt=prompt, model=f"{self.spec.name}/{model.name}", **fields)
        fitted = self.fitted(asked, model)
        assert isinstance(fitted, Fitted), f"{model.name} refuses what it says that it can do: {fitted}"
        assert isinstance(fitted.sent, ImageRequest)
        return fitted.sent

    def fitted(self, asked: Request, model: ModelSpec) -> Fitted | tuple[Unsupported, ...]:
        """Return what is sent of ``asked``."""
        return fit(asked, model.can)

    def new_references(self, count: int) -> tuple[Reference, ...]:
        """Return reference pictures that this provider has not seen, so that it cannot have uploaded them already."""
        return tuple(reference(next(self._numbers)) for _ in range(count))

    def call(self, request: Request, sink: Sink | None = None) -> Reply:
        """Return the reply to one call; all calls of one check go to the same provider object on the same loop."""
        if self._kept is None:
            self._runner, self._kept = asyncio.Runner(), self.build()
        assert self._runner is not None
        found: Reply = self._runner.run(self._patiently(self.ask(self._kept, request, sink)))
        return found

    def close(self) -> None:
        """End what ``call`` has begun."""
        runner, kept = self._runner, self._kept
        self._runner = self._kept = None
        if runner is not None:
            with runner:
                if hasattr(kept, "aclose"):
                    runner.run(kept.aclose())

    def call_anew(self, request: Request, account: Account | None = None) -> Reply:
        """Return the reply of a provider object, and on an event loop, made for this one call."""

        async def once() -> Reply:
            async with self.provider(account) as provider:
                return await self.ask(provider, request)

        found: Reply = self.run(once())
        return found

    async def ask(self, provider: Any, request: Request, sink: Sink | None = None) -> Reply:
        """Return the reply of a provider object, which must be a Reply."""
        verb = VERBS[request.kind]
        reply = await getattr(provider, verb)(request, sink or Sink())
        assert isinstance(reply, Reply), f"{verb}() returned {type(reply).__name__}; return a Reply"
        return reply

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run ``coroutine`` on a loop of its own, for at most 30 s."""
        return asyncio.run(self._patiently(coroutine))

    async def _patiently(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        work = asyncio.ensure_future(coroutine)
        done, _ = await asyncio.wait([work], timeout=PATIENCE_S)
        if not done:
            work.cancel()
            pytest.fail(f"{self.spec.name} gave no answer in {PATIENCE_S:g} s; pass waits to on_progress.clock.sleep")
        return work.result()

    def watched(self, request: Request, sink: Sink | None = None) -> tuple[Reply, Sent]:
        """Return the reply to a call, and what the service received."""
        service = self.service()
        before = len(service.ledger.requests)
        reply = self.call(request, sink)
        return reply, Sent(tuple(service.ledger.requests[before:]))

    def drain(self) -> int:
        """Return how many of the modes that the simulator was told to play nobody has met, and forget them."""
        service = self.service()
        return sum(service.next_mode() != "ok" for _ in range(8))


def _retired(model: ModelSpec) -> bool:
    """Whether a model was gone on the day that is known of it."""
    return model.retires_on is not None and model.retires_on.isoformat() <= model.as_of


def sound(reply: Reply) -> Image.Image:
    """Return the first picture of a reply, whole. Fails in the words that the engine's user would read."""
    assert reply.pictures, "Reply.pictures is empty; return the encoded picture, or raise NoPictureReturned"
    assert all(isinstance(data, bytes) for data in reply.pictures), "Reply.pictures must hold bytes"
    try:
        return open_sound(reply.pictures[0], where="the picture")
    except InvalidInput as error:
        pytest.fail(f"the picture cannot be used: {sentence(error)} Return the file's bytes as the service sent them.")


def noise(number: int = 0, side: int = 48) -> Picture:
    """Return a picture that compresses badly, so that it shows in the length of what is sent; one for each number."""
    from PIL import Image

    shades = hashlib.shake_256(str(number).encode()).digest(side * side * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), shades).save(out, "PNG")
    return Picture.from_bytes(out.getvalue())


def reference(number: int = 0) -> Reference:
    """Return a reference picture, another one for each number."""
    return Reference(noise(number))


def mask(side: int = 48) -> Picture:
    """Return a mask for ``reference()``: its right half may change."""
    from PIL import Image

    out = io.BytesIO()
    half = Image.new("L", (side, side), 0)
    half.paste(255, (side // 2, 0, side, side))
    half.save(out, "PNG")
    return Picture.from_bytes(out.getvalue())
