"""Connections that only lead where they were checked to lead: a name is looked up once, and what was found is dialled.

httpcore2 asks its network for every new connection; the name stays in the request, so that Host, SNI and the
certificate are those of the name while the address is the checked one. A pool keeps connections by name, so a
connection is used again only for the name that it was dialled for.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpcore2

from imagegen_kit.providers.addresses import Refused, bare, is_inside, is_public, named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """Return every address that this machine's resolver gives for ``host``. Raises OSError where it gives none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Dials public addresses through ``dial``, and the ``private`` hosts and ports that somebody allowed by name."""

    def __init__(
        self,
        private: Collection[tuple[str, int]],
        resolve: Resolve = look_up,
        dial: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._private, self._resolve = private, resolve
        self._dial = dial or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore2's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to ``host``. Raises Refused where any of its addresses is not public, httpcore2's errors as usual."""
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for address in await self._checked(host, port):
            try:
                return await self._dial.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        if (bare(host), port) in self._private:
            return [host]
        if is_inside(host):
            raise Refused(f"{named(host)} is an address inside this network")
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name is not known") from error
        if not all(map(is_public, addresses)):  # one public among private ones is how rebinding begins
            raise Refused(f"{named(host)} is an address inside this network")
        return addresses

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore2's own signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no address leads to a socket of this machine."""
        raise Refused("it is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait as httpcore2 wants it between its own tries, of which there are none."""
        await asyncio.sleep(seconds)
