"""What Google's two simulated services share: keys, faults, and ``generateContent``."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.testing.simulators import google_answers
from imagegen_kit.testing.simulators.drawing import draw
from imagegen_kit.testing.simulators.google_checks import Asked, read
from imagegen_kit.testing.simulators.google_errors import Refused, fault, no_key, wrong_key
from imagegen_kit.testing.simulators.google_models import pixels
from imagegen_kit.testing.simulators.judges import Look
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.replies import broken, event, events, json_reply
from imagegen_kit.testing.simulators.server import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Container

    from starlette.requests import Request
    from starlette.responses import Response

    from imagegen_kit.testing.simulators.server import Dropped

    Answer = Response | Dropped
    Endpoint = Callable[[Request], Awaitable[Answer]]


class GoogleSimulator(Simulator):
    """The base of both: ``generateContent`` and its stream."""

    enterprise: ClassVar[bool] = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._numbers = itertools.count(1)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return ``endpoint`` behind the check of the key, with its refusals as Google words them."""

        async def answer(request: Request) -> Answer:
            try:
                self.check_key(request)
                return await endpoint(request)
            except Refused as refused:
                return refused.response()

        return answer

    def check_key(self, request: Request) -> None:
        """Raise Refused where the call brings no key, or another one than ``key``."""
        given = request.headers.get("x-goog-api-key")
        if given != self.key:
            raise wrong_key() if given else no_key()

    async def begin(
        self,
        model: str,
        tokens: int | None = None,
        usd: float | None = None,
        *,
        later: bool = False,
        free: Container[str] = (),
    ) -> str:
        """Take the next call of ``model``: return its mode, charge it and work (not yet where it is done ``later``).

        ``free`` are further modes that are not charged. Raises Refused for the faults that Google words.
        """
        mode = self.next_mode()
        if refused := fault(mode, model):
            raise refused
        if mode not in free:
            self.charge(mode, Charge(model, usd, tokens))
        if not later or mode == "slow":
            await self.work(mode)
        return mode

    async def generate_content(self, request: Request) -> Answer:
        """Answer ``:generateContent``."""
        return await self._generate(request, stream=False)

    async def stream_generate_content(self, request: Request) -> Answer:
        """Answer ``:streamGenerateContent?alt=sse``."""
        if request.query_params.get("alt") != "sse":
            raise Refused(400, "The simulated service streams server-sent events only: alt=sse.")
        return await self._generate(request, stream=True)

    async def _generate(self, request: Request, stream: bool) -> Answer:
        asked = read(request.path_params["model"], await json_of(request), enterprise=self.enterprise)
        said = None if asked.draws else await self.says(Look(asked.prompt, asked.pictures, asked.schema))
        tokens = asked.draws.tokens[asked.size] if asked.draws else None
        mode = await self.begin(asked.model, tokens)
        if said is None and asked.draws is None and mode == "ok":
            mode = "blocked_after"
        asked = replace(asked, said=said or "")
        if response := broken(mode):
            return response
        body = google_answers.answer(asked, mode, await self.picture(asked), next(self._numbers))
        if not stream:
            return json_reply(body)

        async def lines() -> AsyncIterator[bytes]:
            for chunk in google_answers.chunks(body):
                yield event(chunk).replace(b"\n\n", b"\r\n\r\n")

        return events(lines())

    async def picture(self, asked: Asked) -> bytes:
        """Return the picture that is asked for; empty where none is."""
        if asked.draws is None or "IMAGE" not in asked.modalities:
            return b""
        width, height = pixels(asked.ratio, asked.size)
        return await self.drawn(asked.model, asked.prompt, (width, height), asked.seed, asked.pictures, asked.mime)

    async def drawn(
        self,
        model: str,
        prompt: str,
        size: tuple[int, int],
        seed: int | None,
        references: tuple[bytes, ...] = (),
        mime: str = "image/png",
    ) -> bytes:
        """Draw in a thread; ``size`` is (width, height). Without a seed, each time another picture."""
        return await asyncio.to_thread(
            draw, prompt, *size, self.seed_for(model, prompt, seed), references=references, look=self.look,
            model=self.drawn_by, format=mime.removeprefix("image/"),
        )  # fmt: skip


async def json_of(request: Request) -> Any:
    """Return the body as data. Raises Refused where it is no JSON."""
    try:
        return json.loads(await request.body())
    except ValueError:
        raise Refused(400, "Invalid JSON payload received.") from None
