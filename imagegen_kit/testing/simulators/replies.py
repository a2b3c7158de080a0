"""HTTP answers that several simulated services give. Needs starlette; loaded when a simulator starts."""

from __future__ import annotations

import base64
import json
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from starlette.responses import Response, StreamingResponse

from imagegen_kit.testing.simulators.server import Dropped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

P = ParamSpec("P")
T = TypeVar("T")
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
NO_PICTURE = b"%PDF-1.7\n% what stands here is no picture\n"  # for "wrong_content_type"


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return ``body`` as JSON."""
    return Response(json.dumps(body).encode(), status, headers, media_type="application/json")


def broken(mode: str) -> Response | Dropped | None:
    """Return the answer of the modes that look the same at every service; None for all others."""
    if mode == "drop":
        return Dropped()
    if mode == "html_502":
        return Response(HTML, 502, media_type="text/html")
    if mode == "not_json":
        return Response("All went well.", 200, media_type="text/plain")
    return None


def encoded(picture: bytes, mode: str = "ok") -> str:
    """Return ``picture`` as base64; in mode "truncated" the text ends in the middle."""
    text = base64.b64encode(picture).decode()
    return text[: len(text) // 2 | 1] if mode == "truncated" else text


def events(chunks: AsyncIterator[bytes]) -> Response:
    """Return a stream of server-sent events; ``chunks`` are written as they are."""
    return StreamingResponse(chunks, media_type="text/event-stream")


def event(data: Any, name: str | None = None) -> bytes:
    """Return one server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def strict(refusal: Callable[[], Exception]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator of what reads a body: one of quite another form than it expects is met with ``refusal``."""

    def around(read: Callable[P, T]) -> Callable[P, T]:
        @wraps(read)
        def checked(*args: P.args, **named: P.kwargs) -> T:
            try:
                return read(*args, **named)
            except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
                raise refusal() from error

        return checked

    return around


def decoded(text: object) -> bytes | None:
    """Return the bytes that base64 ``text`` stands for, None where it stands for none. Both alphabets are read:
    google-genai writes the one for addresses.
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
