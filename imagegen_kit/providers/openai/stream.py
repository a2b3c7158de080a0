"""Pictures that arrive as a stream of events: partial ones on the way, the whole one at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from imagegen_kit.errors import NoPictureReturned
from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.openai.errors import stated_fault
from imagegen_kit.providers.openai.replies import decoded
from imagegen_kit.types import Progress

if TYPE_CHECKING:
    from imagegen_kit.providers.base import OnProgress

_CLOSE_S = 1.0  # for the last words of a connection that is closed already


async def final_picture(raw: Any, on_progress: OnProgress, partials: Any, *, model: str) -> Mapping[str, Any] | None:
    """Return the last event of the SDK's ``raw`` response, in the form of an ordinary answer.

    Returns None where the server did not stream; then ``raw.content`` holds its answer. The picture is taken as soon as
    it is whole: what a broken connection would lose after it was paid already.
    """
    if "text/event-stream" not in raw.headers.get("content-type", ""):
        try:
            await raw.http_response.aread()
        finally:
            await raw.http_response.aclose()
        return None
    events = aiter(httpx2.EventSource(raw.http_response, max_event_size=None))  # one event holds a whole picture
    try:
        async for sent in events:
            if sent.data.startswith("[DONE]"):
                break
            event: Any = sent.json()
            if not isinstance(event, Mapping):
                continue
            if stated := event.get("error"):
                raise _stated(stated, raw.http_response)
            kind = str(event.get("type"))
            if kind.endswith(".completed"):
                return {"data": [event], "usage": event.get("usage")}
            if kind.endswith(".partial_image"):
                await _show(event, on_progress, partials)
            elif kind == "error":
                raise stated_fault(event, model=model)
    except ValueError as error:  # an event that is no JSON
        raise unreadable("the service sent an event that cannot be read.", model=model) from error
    finally:
        await _close(raw.http_response, events)
    raise NoPictureReturned(f"{model} ended its stream without a picture.", model=model)


def _stated(error: object, response: httpx2.Response) -> openai.APIError:
    """Return the error of an event as the SDK raises it, which is where words that repeat the key are cleaned."""
    message = error.get("message") if isinstance(error, Mapping) else None
    text = message if isinstance(message, str) and message else "An error in the midst of a stream."
    return openai.APIError(text, response.request, body=error)


async def _close(response: httpx2.Response, events: AsyncIterator[httpx2.ServerSentEvent]) -> None:
    """Close the answer and let all that reads it come to its end.

    A dozen generators stand upon each other. Left suspended, they are finished by whichever thread collects
    garbage next, one in the middle of another ("async generator already executing").
    """
    await response.aclose()
    with suppress(Exception):  # what reads a closed connection says so, each layer in its own words
        async with asyncio.timeout(_CLOSE_S):
            async for _ in events:
                pass


async def _show(event: Mapping[str, Any], on_progress: OnProgress, partials: Any) -> None:
    picture = await asyncio.to_thread(decoded, event.get("b64_json"))
    if not picture:
        return
    number = event.get("partial_image_index")
    number = number + 1 if isinstance(number, int) else 1
    wanted = max(number, partials if isinstance(partials, int) else number)
    await on_progress(Progress(number / (wanted + 1), f"partial picture {number} of {wanted}", picture))
