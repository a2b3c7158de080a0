"""Where a service's key may go.

A service names addresses in its replies: where to ask for a job, where the picture is. Whoever can write a reply could
name any host, so the key only travels to the service's own host and those that its file lists. What is fetched without
the key goes by ``providers.downloads``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.providers.addresses import PORTS, Refused, named, port_of, read_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx2

__all__ = ["Hosts", "Refused"]


class Hosts:
    """The addresses of one service, by its own ``base`` address and the further hosts that its file allows."""

    def __init__(self, base: str, allowed: Iterable[str] = ()) -> None:
        import httpx2

        self.base = httpx2.URL(base)
        self.schemes = ("https", self.base.scheme)
        self._allowed = tuple(allowed)

    def with_key(self, url: str) -> httpx2.URL:
        """Return ``url`` if a request to it may carry the key, else raise Refused."""
        address = read_address(url, self.schemes)
        host, port = address.host.lower(), port_of(address)
        own = (host, port) == (self.base.host.lower(), port_of(self.base))
        if not own and not any(_matches(host, port, pattern, address.scheme) for pattern in self._allowed):
            what = f"it is on {named(host)}" if named(host) != "it" else "it is on a host"
            raise Refused(f"{what}, which is not among the service's hosts, so the key is not sent there")
        return address


def _matches(host: str, port: int, pattern: str, scheme: str) -> bool:
    name, _, wanted = pattern.partition(":")
    if port != int(wanted or PORTS[scheme]):
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))
