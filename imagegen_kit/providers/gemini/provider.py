"""The providers ``gemini`` and ``vertex``: one call of google-genai for each request, never repeated."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from imagegen_kit.catalog import load_models
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.errors import OutcomeUnknown, ProviderError
from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.gemini import clients, generate_content, interactions
from imagegen_kit.providers.gemini.answer import Answer, picture_reply, text_reply
from imagegen_kit.providers.gemini.errors import fault_of
from imagegen_kit.providers.gemini.films import MakesFilms
from imagegen_kit.providers.gemini.options import Options, pictures_of, read_options
from imagegen_kit.providers.gemini.reading import joined, parsed, plain_chunk, read_generated
from imagegen_kit.providers.transport import Clients
from imagegen_kit.types import Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import httpx2
    from google import genai
    from google.genai import types

    from imagegen_kit.providers.base import Account, OnProgress
    from imagegen_kit.types import ImageRequest, Reply, TextRequest


class GeminiProvider(MakesFilms):
    """Google's models through the Gemini Developer API, with a key. Lives on one event loop."""

    name = "gemini"
    key_help = "Check GEMINI_API_KEY (get a key at https://aistudio.google.com/apikey), and that it may use this model."

    def __init__(self, account: Account) -> None:
        self.account = account
        self._clients: Clients[clients.Opened] = Clients(self._open, clients.close)

    def _open(self, http: httpx2.AsyncClient) -> clients.Opened:
        return clients.open_developer(self.account, http)

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Return the picture of one call, by the API that the catalogue names for the model."""
        spec, options = self._spec(request.model), read_options(request)
        pictures = await asyncio.to_thread(pictures_of, request) if request.references else []
        started = time.perf_counter()
        if spec.api == "interactions":
            answer = await self._interact(
                spec, request.model, interactions.picture_arguments(request, options, pictures)
            )
        else:
            parts = generate_content.picture_parts(request, pictures)
            config = generate_content.picture_config(request, options)
            answer = await self._generated(spec, request.model, parts, config, options, on_progress)
        reply = picture_reply(answer, request.model, _names(spec))
        return replace(reply, timings={"answer": time.perf_counter() - started})

    async def ask(self, request: TextRequest, on_progress: OnProgress) -> Reply:
        """Return the text of one call; with a schema it is JSON. Reference pictures are looked at in order."""
        spec, options = self._spec(request.model), read_options(request)
        pictures = await asyncio.to_thread(pictures_of, request) if request.references else []
        started = time.perf_counter()
        parts = generate_content.parts_of(request.prompt, pictures)
        config = generate_content.text_config(request, options)
        answer = await self._generated(spec, request.model, parts, config, options, on_progress)
        reply = text_reply(answer, request, _names(spec))
        return replace(reply, timings={"answer": time.perf_counter() - started})

    async def aclose(self) -> None:
        """Close all connections."""
        await self._clients.aclose()

    def _spec(self, model: str) -> ModelSpec:
        name = model.rpartition("/")[2]
        return next((spec for spec in load_models(self.name) if spec.name == name), ModelSpec(name))

    @asynccontextmanager
    async def _client(self, model: str) -> AsyncIterator[genai.Client]:
        """Lend a client; whatever is raised with it is told as a typed error."""
        async with self._clients.one() as opened:
            try:
                yield opened.sdk
            except Exception as error:
                fault = self._fault(error, model)
                if fault is error:
                    raise
                # The SDK's own text would stand in the traceback: not where the service repeats the key in it.
                key = clients.key_of(self.account)
                raise fault from (None if key and key in str(error) else error)

    def _fault(self, error: Exception, model: str) -> ProviderError:
        return fault_of(error, model=model, key_help=self.key_help, key=clients.key_of(self.account))

    async def _generated(
        self,
        spec: ModelSpec,
        model: str,
        parts: list[types.Part],
        config: types.GenerateContentConfig,
        options: Options,
        on_progress: OnProgress,
    ) -> Answer:
        asked: dict[str, Any] = {"model": _remote(spec), "contents": parts, "config": config}
        if options.stream:
            body = await self._streamed(asked, model, options, on_progress)
            return await asyncio.to_thread(read_generated, body, model)
        async with self._client(model) as client:
            reply = await client.aio.models.generate_content(**asked)
        raw = reply.sdk_http_response.body if reply.sdk_http_response else None
        answer = await asyncio.to_thread(lambda: read_generated(parsed(raw or "", model), model))
        for thought in answer.thoughts if options.thoughts else ():
            await on_progress(Progress(text=thought))
        return answer

    async def _streamed(
        self, asked: Mapping[str, Any], model: str, options: Options, on_progress: OnProgress
    ) -> dict[str, Any]:
        chunks: list[dict[str, Any]] = []
        async with self._client(model) as client:
            try:
                stream: Any = await client.aio.models.generate_content_stream(**asked)
                async with aclosing(stream):  # whoever leaves early gives the connection back
                    async for chunk in stream:
                        body = plain_chunk(chunk)
                        chunks.append(body)
                        await _tell(body, model, options, on_progress)
            except ValidationError:
                raise unreadable("a part of the answer has another form than documented", model=model) from None
            except ProviderError:
                raise
            except Exception as error:
                if not chunks:
                    raise
                # The service was at work, whatever it says now.
                text = f"{model} broke off in the middle of its answer. {self._fault(error, model).message}"
                raise OutcomeUnknown(text, model=model) from None
        return joined(chunks)

    async def _interact(self, spec: ModelSpec, model: str, arguments: Mapping[str, Any]) -> Answer:
        async with self._client(model) as client:
            api = await interactions.raw_interactions(client)
            reply = await api.create(model=_remote(spec), **arguments)
            body = await interactions.body_of(reply, model)
        return await asyncio.to_thread(interactions.read_interaction, body, model)


class VertexProvider(GeminiProvider):
    """Google's models in the Enterprise mode, with a key or with a project and this machine's login."""

    name = "vertex"
    key_help = "Check VERTEX_API_KEY, or the login and GOOGLE_CLOUD_PROJECT, and that it may use this model."

    def _open(self, http: httpx2.AsyncClient) -> clients.Opened:
        return clients.open_enterprise(self.account, http)


def _remote(spec: ModelSpec) -> str:
    return spec.remote_name or spec.name


def _names(spec: ModelSpec) -> Sequence[str]:
    return (spec.name, _remote(spec))


async def _tell(chunk: Mapping[str, Any], model: str, options: Options, on_progress: OnProgress) -> None:
    """Pass on what a chunk says, and the drafts that a thinking model draws."""
    answer = read_generated(chunk, model)
    words = ("".join(answer.thoughts) if options.thoughts else "") + answer.text
    if words:
        await on_progress(Progress(text=words))
    for draft in answer.drafts:
        await on_progress(Progress(text="draft", picture=draft))
