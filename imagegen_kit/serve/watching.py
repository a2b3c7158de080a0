"""An order under way: its events for as long as the client stays. What was sent to a model is finished without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

LOOK_S = 0.5  # how often it is looked whether the client is still there
STILL_S = 15.0  # after so long without an event a proxy wants to hear something
STILL = object()  # nothing has happened
_END = object()


async def watched(request: Request, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield ``events``, and STILL where none came for a while; ends early, and closes them, when the client leaves."""
    waited = 0.0
    following = asyncio.ensure_future(anext(events, _END))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=LOOK_S)
            if done:
                event = following.result()
                if event is _END:
                    return
                waited = 0.0
                yield event
                following = asyncio.ensure_future(anext(events, _END))
            else:
                if await request.is_disconnected():
                    return
                waited += LOOK_S
                if waited >= STILL_S:
                    waited = 0.0
                    yield STILL
    finally:
        if not following.done():
            following.cancel()
            await asyncio.wait({following})
        await events.aclose()  # type: ignore[attr-defined]  # a generator: closing it cancels what was not sent
