"""The provider ``openai``: one POST for each request, never repeated here; the engine decides whether to try again."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from openai.resources.chat.completions import AsyncCompletions
from openai.resources.images import AsyncImages
from openai.resources.responses import AsyncResponses

from imagegen_kit.errors import AuthenticationFailed
from imagegen_kit.providers.openai import texts
from imagegen_kit.providers.openai.errors import fault_of, key_advice
from imagegen_kit.providers.openai.headers import rest_asked
from imagegen_kit.providers.openai.plugin import KEY, ORGANIZATION, PROJECT
from imagegen_kit.providers.openai.replies import image_reply, read_body
from imagegen_kit.providers.openai.requests import image_fields, model_spec
from imagegen_kit.providers.openai.stream import final_picture
from imagegen_kit.providers.openai.uploads import data_uris, edit_files
from imagegen_kit.providers.transport import Clients

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from imagegen_kit.providers.base import Account, OnProgress
    from imagegen_kit.types import ImageRequest, Reply, TextRequest


class OpenAIProvider:
    """Pictures through the Images API, text through the Responses API or Chat Completions."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._clients = Clients(self._client, lambda client: client.close())

    async def generate(self, request: ImageRequest, on_progress: OnProgress) -> Reply:
        """Return the picture; where partial ones are asked for, they arrive as Progress on the way."""
        fields = image_fields(request, model_spec(request.model))
        files = await asyncio.to_thread(edit_files, request) if request.references else {}
        async with self._lent(request.model) as client:
            images = client.images.with_raw_response
            if files:
                raw = await images.edit(**arguments(AsyncImages.edit, {**fields, **files}))
            else:
                raw = await images.generate(**arguments(AsyncImages.generate, fields))
            streamed = None
            if fields.get("stream"):
                streamed = await final_picture(raw, on_progress, fields.get("partial_images"), model=request.model)
        if streamed is None:
            reply = await asyncio.to_thread(_read_pictures, raw.content, request.model)
        else:
            reply = await asyncio.to_thread(image_reply, streamed, model=request.model)
        return replace(reply, rest_s=rest_asked(raw.headers))

    async def ask(self, request: TextRequest, on_progress: OnProgress) -> Reply:
        """Return the answer in text; pictures travel inside the request."""
        spec = model_spec(request.model)
        pictures = await asyncio.to_thread(data_uris, request) if request.references else []
        async with self._lent(request.model) as client:
            if spec.api == "chat":
                fields, read = texts.chat_fields(request, spec, pictures), texts.chat_reply
                raw = await client.chat.completions.with_raw_response.create(
                    **arguments(AsyncCompletions.create, fields)
                )
            else:
                fields, read = texts.response_fields(request, spec, pictures), texts.response_reply
                raw = await client.responses.with_raw_response.create(**arguments(AsyncResponses.create, fields))
        reply = read(read_body(raw.content, model=request.model), request, spec)
        return replace(reply, rest_s=rest_asked(raw.headers))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._clients.aclose()

    @asynccontextmanager
    async def _lent(self, model: str) -> AsyncIterator[openai.AsyncOpenAI]:
        """Lend a client; whatever fails while it is lent is one of our errors."""
        key = self._key(model)
        try:
            async with self._clients.one() as client:
                yield client
        except openai.APIConnectionError as error:
            raise fault_of(error, model=model) from error.__cause__
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            fault = fault_of(error, model=model, key=key)
            try:
                raise fault from None
            finally:
                fault.__context__ = None  # some servers repeat the key in their words, which the SDK keeps

    def _key(self, model: str) -> str:
        """Return the key. Raises AuthenticationFailed where there is none, or none that a header can hold."""
        key = self.account.key.get_secret_value() if self.account.key is not None else ""
        if not key:
            raise AuthenticationFailed(f"{model} needs a key, and there is none. {key_advice()}", model=model)
        if not (key.isascii() and key.isprintable()) or " " in key:  # the HTTP client would show it in its complaint
            text = f"{model}: the key in {KEY} holds blanks, line ends or letters that no key has. {key_advice()}"
            raise AuthenticationFailed(text, model=model)
        return key

    def _client(self, http_client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        settings = self.account.settings
        return openai.AsyncOpenAI(
            api_key=self._key("openai"),
            base_url=self.account.base_url,
            organization=settings.get(ORGANIZATION),
            project=settings.get(PROJECT),
            max_retries=0,
            http_client=http_client,
        )


def arguments(method: Callable[..., Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``fields`` as arguments of an SDK method; those that it does not name go into the body all the same."""
    named = _parameters(method)
    extra = {name: value for name, value in fields.items() if name not in named}
    known = {name: value for name, value in fields.items() if name in named}
    return {**known, "extra_body": extra} if extra else known


@cache
def _parameters(method: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(method).parameters)


def _read_pictures(data: bytes, model: str) -> Reply:
    return image_reply(read_body(data, model=model), model=model)
