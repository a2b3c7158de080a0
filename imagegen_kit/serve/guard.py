"""Around the whole application: bodies of bounded size, and headers that keep a browser on its guard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 256 * 1024  # of a body: the longest prompt is 32,000 characters
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]


class Guarded:
    """Refuses bodies above ``most_bytes`` (413), whether or not their length is told, and adds the headers.

    ``refused`` is called each time.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES, refused: Callable[[], None] | None = None) -> None:
        self._app, self._most, self._refused = app, most_bytes, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        body = b""
        told = dict(scope["headers"]).get(b"content-length", b"0")
        more, too_much = True, not told.isdigit() or int(told) > self._most
        while more and not too_much and scope["method"] not in ("GET", "HEAD"):
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has left
            body += message.get("body", b"")
            more = message.get("more_body", False)
            too_much = len(body) > self._most
        if too_much:
            if self._refused is not None:
                self._refused()
            await _refuse(guarded_send, self._most)
            return
        given = scope["method"] in ("GET", "HEAD")

        async def replay() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, guarded_send)


async def _refuse(send: Any, most: int) -> None:
    fault = {"where": "body", "what": f"it is larger than {most:,} bytes.", "hint": "Send less."}
    body = json.dumps({"detail": [fault]}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
