"""Fetches what a service's replies name: nothing inside this network, nothing endless, and never with a key.

Whoever can write a reply can name any address. So every new connection goes to an address that was checked
(``pinned``), each redirect is an address like the first, the bytes received and unpacked are counted (``bodies``), and
one deadline covers everything from the first look-up to the last byte. Bodies stay in memory: no file is left behind.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from urllib.request import getproxies, proxy_bypass

from imagegen_kit.errors import InvalidReply, OutcomeUnknown, RequestTimeout, ServiceUnavailable
from imagegen_kit.providers.addresses import Refused, bare, is_inside, named, port_of, read_address
from imagegen_kit.providers.bodies import TooLarge, Unreadable, read_body
from imagegen_kit.providers.transport import CONNECTIONS, Pools, certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpcore2
    import httpx2

    from imagegen_kit.errors import ProviderError
    from imagegen_kit.providers.pinned import Resolve

REDIRECTS = (301, 302, 303, 307, 308)
HOPS = 3  # redirects that are followed
CONNECT_S = 10.0
READ_S = 60.0  # silence after which a connection counts as dead
MAX_PICTURE, PICTURE_S = 64 * 2**20, 120.0  # bytes, as many as are ever decoded, and seconds for all of them
MAX_FILM, FILM_S = 512 * 2**20, 600.0
_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", "imagegen-kit"))


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lay at an address: the status, the headers by their names in lower case, and the body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """The media type that it was given, in lower case, empty where it was given none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Downloads:
    """Downloads for one service. ``private`` are the hosts and ports that are opened wherever they lie.

    ``schemes`` are those that are followed. ``resolve`` gives the addresses of a name and ``dial`` opens connections to
    them; both are this machine's own where they are None.
    """

    def __init__(
        self,
        private: Iterable[tuple[str, int]] = (),
        *,
        schemes: Iterable[str] = ("https",),
        resolve: Resolve | None = None,
        dial: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._private, self._schemes = frozenset(private), frozenset(schemes)
        self._resolve, self._dial = resolve, dial
        self._direct = Pools(self._pinned, lambda pool: pool.aclose())
        self._proxies: dict[str, Pools[httpcore2.AsyncConnectionPool]] = {}

    async def fetch(self, url: str, *, max_bytes: int, within_s: float, model: str) -> Fetched:
        """Return what lies at ``url``, after at most three redirects, whatever its status.

        Raises Refused for an address that is not opened, InvalidReply for a body longer than ``max_bytes`` or packed
        against our wish, RequestTimeout after ``within_s`` seconds, and ServiceUnavailable or OutcomeUnknown where the
        connection fails.
        """
        try:
            async with asyncio.timeout(within_s):
                for _ in range(HOPS + 1):
                    address = read_address(url, self._schemes)
                    found = await self._get(address, max_bytes, model)
                    if found.status not in REDIRECTS or "location" not in found.headers:
                        return found
                    url = urljoin(url, found.headers["location"])
        except TimeoutError:
            raise RequestTimeout(f"{model}: the picture did not arrive within {within_s:g} s", model=model) from None
        raise Refused(f"it leads on more than {HOPS} times")

    async def aclose(self) -> None:
        """Close all connections."""
        for pools in (self._direct, *self._proxies.values()):
            await pools.aclose()

    async def _get(self, url: httpx2.URL, max_bytes: int, model: str) -> Fetched:
        import httpcore2

        pools = self._pools(url)
        host = bare(url.raw_host.decode())
        target = httpcore2.URL(scheme=url.raw_scheme, host=host, port=url.port, target=url.raw_path)
        sent = [("Host", url.netloc.decode("ascii")), *_HEADERS]
        waits = {"connect": CONNECT_S, "read": READ_S, "write": READ_S}
        try:
            async with (
                pools.one() as pool,
                pool.stream("GET", target, headers=sent, extensions={"timeout": waits}) as got,
            ):
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in got.headers}
                if got.status in REDIRECTS and "location" in headers:
                    return Fetched(got.status, headers, b"")  # its body is nothing to wait for
                encoding, claimed = headers.get("content-encoding", ""), headers.get("content-length", "")
                body = await read_body(got.aiter_stream(), encoding, max_bytes, claimed)
                return Fetched(got.status, headers, body)
        except TooLarge:
            raise InvalidReply(f"{model}: the download is larger than {max_bytes / 2**20:g} MiB", model=model) from None
        except Unreadable as error:
            raise InvalidReply(f"{model}: the download cannot be read: {error}", model=model) from None
        except _failures() as error:
            raise _fault(error, model) from None

    def _pools(self, url: httpx2.URL) -> Pools[httpcore2.AsyncConnectionPool]:
        """Return the connections that lead to ``url``: our own, or those of the proxy that this machine must use."""
        private = (bare(url.host), port_of(url)) in self._private
        proxy = None if private else _proxy(url)
        if proxy is None:
            return self._direct
        if is_inside(url.host):  # the proxy looks names up and dials; all that can be judged here is how it is written
            raise Refused(f"{named(url.host)} is an address inside this network")
        if proxy not in self._proxies:
            self._proxies[proxy] = Pools(lambda: _through(proxy), lambda pool: pool.aclose())
        return self._proxies[proxy]

    def _pinned(self) -> httpcore2.AsyncConnectionPool:
        import httpcore2

        from imagegen_kit.providers.pinned import PinnedNetwork, look_up

        return httpcore2.AsyncConnectionPool(
            ssl_context=certificates(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=5.0,
            network_backend=PinnedNetwork(self._private, self._resolve or look_up, self._dial),
        )


def _proxy(url: httpx2.URL) -> str | None:
    """Return the address of the proxy that the environment names for ``url``."""
    known = getproxies()
    found = known.get(url.scheme) or known.get("all")
    return None if not found or proxy_bypass(url.host) else found if "://" in found else f"http://{found}"


def _through(proxy: str) -> httpcore2.AsyncConnectionPool:
    import httpcore2
    import httpx2

    where = httpx2.Proxy(proxy)  # reads user and password out of the address
    raw = httpcore2.URL(scheme=where.url.raw_scheme, host=where.url.raw_host, port=where.url.port, target=b"/")
    make = httpcore2.AsyncSOCKSProxy if where.url.scheme.startswith("socks") else httpcore2.AsyncHTTPProxy
    return make(proxy_url=raw, proxy_auth=where.raw_auth, ssl_context=certificates(), max_connections=CONNECTIONS)


def _failures() -> tuple[type[Exception], ...]:
    import httpcore2

    return (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, httpcore2.ProxyError)


def _fault(error: Exception, model: str) -> ProviderError:
    import httpcore2

    name = type(error).__name__
    unreached = (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout, httpcore2.ProxyError)
    if isinstance(error, unreached):
        what = f"{model}: the picture's host cannot be reached ({name}). Check the network."
        return ServiceUnavailable(what, model=model)
    if isinstance(error, httpcore2.TimeoutException):
        return RequestTimeout(f"{model}: the picture's host fell silent ({name})", model=model)
    return OutcomeUnknown(f"{model}: the connection broke while the picture was fetched ({name})", model=model)
