"""Where a service's key may go, and which addresses of its replies may be opened at all.

A service names addresses in its replies: where to ask for a job, where the picture is. Whoever can write a reply could
name any host, so the key only travels to the service's own host and those that its file lists; and a picture is never
fetched from an address inside this machine's network, unless the service itself is there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx2

PORTS = {"http": 80, "https": 443}


class Refused(Exception):
    """An address that is not opened; the text says why and names the host, never the rest of the address."""


class Hosts:
    """The addresses of one service, by its own ``base`` address and the further hosts that its file allows."""

    def __init__(self, base: str, allowed: Iterable[str] = ()) -> None:
        import httpx2

        self._base = httpx2.URL(base)
        self._allowed = tuple(allowed)
        self._inside = _is_inside(self._base.host)

    def with_key(self, url: str) -> httpx2.URL:
        """Return ``url`` if a request to it may carry the key, else raise Refused."""
        address = self._read(url)
        host, port = address.host.lower(), _port(address)
        own = (host, port) == (self._base.host.lower(), _port(self._base))
        if not own and not any(_matches(host, port, pattern, address.scheme) for pattern in self._allowed):
            raise Refused(f"it is on {host}, which is not among the service's hosts, so the key is not sent there")
        return address

    async def download(self, url: str) -> httpx2.URL:
        """Return ``url`` if a picture may be fetched from it (without the key), else raise Refused."""
        address = self._read(url)
        if not self._inside and (_is_inside(address.host) or await _leads_inside(address)):
            raise Refused(f"{address.host} is an address inside this network")
        return address

    def _read(self, url: str) -> httpx2.URL:
        import httpx2

        try:
            address = httpx2.URL(url)
        except (httpx2.InvalidURL, TypeError, ValueError) as error:
            raise Refused("it cannot be read as an address") from error
        if address.scheme not in ("https", self._base.scheme) or address.scheme not in PORTS or not address.host:
            raise Refused(f"it is no https address ({address.scheme or 'no scheme'})")
        if address.userinfo:
            raise Refused("it carries a user or password")
        return address


def _port(url: httpx2.URL) -> int:
    return url.port or PORTS.get(url.scheme, 0)


def _matches(host: str, port: int, pattern: str, scheme: str) -> bool:
    name, _, wanted = pattern.partition(":")
    if port != int(wanted or PORTS[scheme]):
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _is_inside(host: str) -> bool:
    """Whether ``host`` is written as an address or name of this machine or its network."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith((".localhost", ".local", ".internal")) or "." not in name


async def _leads_inside(url: httpx2.URL) -> bool:
    """Whether the name of a host stands for an address inside the network."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, _port(url), type=socket.SOCK_STREAM)
    except OSError:  # no answer here; behind a proxy, it is the proxy that looks names up
        return False
    return any(_is_inside(str(entry[4][0]).partition("%")[0]) for entry in found)
