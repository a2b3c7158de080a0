"""HTTP clients of at most 64 connections each: larger pools of httpx2 slow down with the square of what waits.

Measured: with 1,000 connections in one pool, a client at 128 calls in flight spends most of its time scanning the pool.
So an account opens another client when all that it has are full.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx2

CONNECTIONS = 64
C = TypeVar("C")


@dataclass(slots=True)
class _Lent(Generic[C]):
    """A client and how many calls it has under way."""

    client: C
    calls: int = 0


class Pools(Generic[C]):
    """Several pools of connections, each made by ``make`` when all others are full; used on one event loop."""

    def __init__(self, make: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._make, self._close = make, close
        self._open: list[_Lent[C]] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[C]:
        """Lend the first client that has a free connection, opening another where none has."""
        lent = next((one for one in self._open if one.calls < CONNECTIONS), None)
        if lent is None:
            lent = _Lent(self._make())
            self._open.append(lent)
        lent.calls += 1
        try:
            yield lent.client
        finally:
            lent.calls -= 1

    async def aclose(self) -> None:
        """Close every client."""
        while self._open:
            await self._close(self._open.pop().client)


class Clients(Pools[C]):
    """Several clients of one account, each made by ``make`` around an HTTP client of its own."""

    def __init__(self, make: Callable[[httpx2.AsyncClient], C], close: Callable[[C], Awaitable[None]]) -> None:
        super().__init__(lambda: make(http_client()), close)


def http_client() -> httpx2.AsyncClient:
    """Return an HTTP client of at most ``CONNECTIONS`` connections; it times out in connecting only."""
    import httpx2

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    waits = httpx2.Timeout(None, connect=10.0)
    return httpx2.AsyncClient(verify=certificates(), limits=limits, timeout=waits, follow_redirects=False)


def certificates() -> ssl.SSLContext:
    """Return what all clients of this process trust: to read this machine's certificates takes some 50 ms each time.

    They are those that ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` name when a client is made, else the system's.
    """
    return _read(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read(file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()
