"""The simulated OpenAI: the Images API whole and streamed, the Responses API and Chat Completions."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.routing import Route

from imagegen_kit.testing.simulators import openai_texts
from imagegen_kit.testing.simulators.drawing import draw, partial
from imagegen_kit.testing.simulators.judges import Look
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.modes import MODES
from imagegen_kit.testing.simulators.openai_errors import Refused, blocked_picture, fault, wrong_key
from imagegen_kit.testing.simulators.openai_images import completed, events_of, image_body
from imagegen_kit.testing.simulators.openai_images_read import Asked, read_edit, read_generation
from imagegen_kit.testing.simulators.replies import broken, events, json_reply
from imagegen_kit.testing.simulators.server import Dropped, Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    Answer = Response | Dropped
    Endpoint = Callable[[Request], Awaitable[Answer]]

LIMITS = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "500000",
    "x-ratelimit-remaining-tokens": "499000",
    "x-ratelimit-reset-tokens": "120ms",
}


class OpenAISimulator(Simulator):
    """OpenAI's models as a key reaches them; ``base_url`` ends in /v1, as the SDK wants it."""

    name: ClassVar[str] = "openai"
    prefix: ClassVar[str] = "/v1"
    drawn_by: str = "poster"
    modes: ClassVar[Mapping[str, str]] = {
        **MODES,
        "stream_error": "a stream of partial pictures ends in an error; without a stream as drop",
    }

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._numbers = itertools.count(1)

    def routes(self) -> list[Route]:
        """Return the routes."""
        endpoints = {
            "/v1/images/generations": self.generations,
            "/v1/images/edits": self.edits,
            "/v1/responses": self.responses,
            "/v1/chat/completions": self.chat_completions,
        }
        return [Route(path, self._guarded(answer), methods=["POST"]) for path, answer in endpoints.items()]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return ``endpoint`` behind the check of the key, with OpenAI's headers and refusals."""

        async def answer(request: Request) -> Answer:
            number = next(self._numbers)
            try:
                scheme, _, given = request.headers.get("authorization", "").partition(" ")
                if scheme.lower() != "bearer" or given.strip() != self.key:
                    raise wrong_key(given.strip())
                request.state.number = number
                response = await endpoint(request)
            except Refused as refused:
                response = refused.response()
            if not isinstance(response, Dropped):
                for name, value in {**LIMITS, "x-request-id": f"req_simulated{number}"}.items():
                    response.headers.setdefault(name, value)
            return response

        return answer

    async def _begin(self, model: str, tokens: int, *, text: bool) -> str:
        """Take the next call: return its mode, charge it and work. Raises Refused for the faults that OpenAI words."""
        mode = self.next_mode()
        if refused := fault(mode, model, text=text):
            raise refused
        self.charge(mode, Charge(model, tokens=tokens))
        await self.work(mode)
        return mode

    async def generations(self, request: Request) -> Answer:
        """Answer ``/images/generations``."""
        return await self._pictures(read_generation(await _json_of(request)))

    async def edits(self, request: Request) -> Answer:
        """Answer ``/images/edits``: a form with pictures in it."""
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Refused(400, "Unsupported content type: use 'multipart/form-data'.", "unsupported_content_type")
        async with request.form() as form:
            fields: dict[str, str] = {}
            files = []
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files.append((name, await value.read(), value.content_type or ""))
                else:
                    fields[name] = value
        return await self._pictures(await asyncio.to_thread(read_edit, fields, files))

    async def _pictures(self, asked: Asked) -> Answer:
        mode = await self._begin(asked.model, asked.tokens, text=False)
        if response := broken(mode):
            return response
        if mode == "blocked_after":
            raise blocked_picture()
        if mode == "stream_error" and not asked.stream:
            return Dropped()
        pictures = [await self._drawn(asked) for _ in range(asked.n)]
        if not asked.stream:
            return json_reply(image_body(asked, mode, pictures))
        drafts = [
            await asyncio.to_thread(partial, pictures[0], (number + 1) / (asked.partials + 1), asked.format)
            for number in range(asked.partials)
        ]
        return events(events_of(asked, mode, drafts, completed(asked, mode, pictures[0])))

    async def _drawn(self, asked: Asked) -> bytes:
        width, height = asked.size
        seed = self.seed_for(asked.model, asked.prompt, None)
        return await asyncio.to_thread(
            draw, asked.prompt, width, height, seed, references=asked.pictures, mask=asked.mask, look=self.look,
            model=self.drawn_by, format=asked.format, transparent=asked.background == "transparent",
        )  # fmt: skip

    async def responses(self, request: Request) -> Answer:
        """Answer ``/responses``."""
        return await self._text(request, chat=False)

    async def chat_completions(self, request: Request) -> Answer:
        """Answer ``/chat/completions``."""
        return await self._text(request, chat=True)

    async def _text(self, request: Request, *, chat: bool) -> Answer:
        question = openai_texts.read(await _json_of(request), chat=chat)
        said = await self.says(Look(question.prompt, question.given, question.schema))
        mode = await self._begin(question.model, len((said or "").split()), text=True)
        if said is None and mode == "ok":
            mode = "blocked_after"
        question = replace(question, answer=said or "")
        if mode == "stream_error":
            return Dropped()
        return broken(mode) or json_reply(openai_texts.reply(question, mode, request.state.number))


async def _json_of(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise Refused(400, "We could not parse the JSON body of your request.") from None
