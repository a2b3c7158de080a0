"""Pictures that arrive as a stream of events: partial ones on the way, the whole one at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openai import AsyncStream

from imagegen_kit.errors import NoPictureReturned
from imagegen_kit.providers.faults import unreadable
from imagegen_kit.providers.openai.errors import stated_fault
from imagegen_kit.providers.openai.replies import decoded
from imagegen_kit.types import Progress

if TYPE_CHECKING:
    from imagegen_kit.providers.base import OnProgress


async def final_picture(raw: Any, on_progress: OnProgress, partials: Any, *, model: str) -> Mapping[str, Any] | None:
    """Return the last event of the SDK's ``raw`` response, in the form of an ordinary answer.

    Returns None where the server did not stream; then ``raw.content`` holds its answer. The picture is taken as soon as
    it is whole: what a broken connection would lose after it was paid already.
    """
    try:
        if "text/event-stream" not in raw.headers.get("content-type", ""):
            await raw.http_response.aread()
            return None
        async for event in raw.parse(to=AsyncStream[object]):
            kind = event.get("type") if isinstance(event, Mapping) else None
            if not isinstance(kind, str):
                continue
            if kind.endswith(".completed"):
                return {"data": [event], "usage": event.get("usage")}
            if kind.endswith(".partial_image"):
                await _show(event, on_progress, partials)
            elif kind == "error":
                raise stated_fault(event, model=model)
    except ValueError as error:  # an event that is no JSON
        raise unreadable("the service sent an event that cannot be read.", model=model) from error
    finally:
        await raw.http_response.aclose()
    raise NoPictureReturned(f"{model} ended its stream without a picture.", model=model)


async def _show(event: Mapping[str, Any], on_progress: OnProgress, partials: Any) -> None:
    picture = await asyncio.to_thread(decoded, event.get("b64_json"))
    if not picture:
        return
    number = event.get("partial_image_index")
    number = number + 1 if isinstance(number, int) else 1
    wanted = max(number, partials if isinstance(partials, int) else number)
    await on_progress(Progress(number / (wanted + 1), f"partial picture {number} of {wanted}", picture))
