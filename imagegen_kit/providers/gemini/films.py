"""Films: Omni through the Interactions API, Veo through long-running operations; submitted once, then polled.

What fails after a job was accepted never asks for another submit: it may well be charged, and can be collected.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, TypeVar

from imagegen_kit.errors import Fault, InvalidReply, OutcomeUnknown, ProviderError, RequestTimeout, UnsupportedRequest
from imagegen_kit.providers.gemini import omni, veo
from imagegen_kit.providers.gemini.options import pictures_of, read_options, sent_picture
from imagegen_kit.types import Accepted, Progress, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google import genai

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.providers.base import OnProgress
    from imagegen_kit.providers.gemini.options import Sent
    from imagegen_kit.types import Request, VideoRequest

FIRST_POLL_S, LONGEST_POLL_S = 2.0, 10.0  # seconds between polls, growing by half
FAILED_POLLS = 5  # so many in a row, and whoever waits is told; the job goes on and can be collected
T = TypeVar("T")


class MakesFilms:
    """What both providers share for films; a job's name is the interaction's id, or the operation's name."""

    if TYPE_CHECKING:  # what the provider brings

        def _spec(self, model: str) -> ModelSpec: ...
        def _client(self, model: str) -> AbstractAsyncContextManager[genai.Client]: ...

    async def animate(self, request: VideoRequest, on_progress: OnProgress) -> Reply:
        """Return the film of one submit, whose job is named to ``on_progress`` before the first poll."""
        spec, options = self._spec(request.model), read_options(request)
        frames = await asyncio.to_thread(_frames, request)
        pictures = await asyncio.to_thread(pictures_of, request) if request.references else []
        submit = omni.submit if spec.api == "interactions" else veo.submit
        async with self._client(request.model) as client:
            job_id = await submit(client, spec.remote_name or spec.name, request, options, frames, pictures)
        await on_progress(Accepted(job_id))
        return await self.collect(job_id, request, on_progress)

    async def collect(self, job_id: str, request: Request, on_progress: OnProgress) -> Reply:
        """Return the film of a job that was accepted earlier, waiting for it where it is still being made."""
        model = request.model

        async def look_at_interaction() -> omni.Found:
            async with self._client(model) as client:
                return await omni.look(client, job_id, model)

        async def look_at_operation() -> veo.Operation:
            async with self._client(model) as client:
                return await veo.look(client, job_id, model)

        if self._spec(model).api == "interactions":
            return await _poll(look_at_interaction, lambda found: omni.film_reply(found, model), model, on_progress)
        return await _poll(look_at_operation, lambda found: veo.film_reply(found, model), model, on_progress)


def _frames(request: VideoRequest) -> list[Sent]:
    if request.last_frame is not None and request.first_frame is None:
        raise UnsupportedRequest([Fault("last_frame", "it needs a first frame.")], model=request.model)
    return [sent_picture(frame) for frame in (request.first_frame, request.last_frame) if frame is not None]


async def _poll(
    look: Callable[[], Awaitable[T]], read: Callable[[T], Reply | None], model: str, on_progress: OnProgress
) -> Reply:
    """Look at a job until ``read`` finds its film in what ``look`` returns, or raises what became of it."""
    wait, failed = FIRST_POLL_S, 0
    while True:
        pause = wait
        try:
            found = await look()
        except ProviderError as error:
            failed += 1
            passing = error.retryable or isinstance(error, (OutcomeUnknown, RequestTimeout, InvalidReply))
            if isinstance(error, InvalidReply) and failed >= FAILED_POLLS:
                raise
            if not passing or failed >= FAILED_POLLS:
                text = f"{model} took the job, but it cannot be looked at: {error.message}"
                raise OutcomeUnknown(text, model=model, status=error.status) from error
            pause = max(wait, error.retry_after or 0.0)
        else:
            failed = 0
            reply = await asyncio.to_thread(read, found)
            if reply is not None:
                return reply
            await on_progress(Progress(text="the film is being made"))
        await on_progress.clock.sleep(pause)
        wait = min(wait * 1.5, LONGEST_POLL_S)
