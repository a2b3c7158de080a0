"""Which addresses that somebody else names may be opened: judged by what is dialled, not by how it is written.

``ipaddress`` alone is not enough: a NAT64 (64:ff9b::/96) or 6to4 (2002::/16) address counts as global whatever IPv4
address it wraps, and so does multicast. A name may be written in ways that only the resolver understands (2130706433,
0x7f.1 and 127.1 are all 127.0.0.1), so what counts is what the resolver answers.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection

    import httpx2

PORTS = {"http": 80, "https": 443}
PRIVATE_HOSTS = "IMAGEGEN_PRIVATE_HOSTS"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INSIDE_ENDINGS = (".localhost", ".local", ".internal")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)  # a last label like this is an IPv4 address, oddly written


class Refused(Exception):
    """An address that is not opened; the text says why, and names neither the rest of a URL nor an inside address."""


def is_public(address: str) -> bool:
    """Whether ``address``, an IPv4 or IPv6 address in digits, belongs to the public internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (inner := _wrapped(found)) is not None:
        found = inner
    return found.is_global and not found.is_multicast and not found.is_reserved


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a packet to ``address`` ends at, None where it ends at no such address."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_inside(host: str) -> bool:
    """Whether ``host`` is written as an address or a name of this machine or its network."""
    name = bare(host)
    if _is_digits(name):
        return not is_public(name)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return True  # 127.1, 0x7f000001: nobody on the public internet is called so
    return name == "localhost" or name.endswith(_INSIDE_ENDINGS) or "." not in name


def bare(host: str) -> str:
    """Return ``host`` in lower case without brackets and the dot at its end."""
    return host.strip("[]").rstrip(".").lower()


def port_of(url: httpx2.URL) -> int:
    """Return the port of ``url``, its scheme's own where it names none."""
    return url.port or PORTS.get(url.scheme, 0)


def read_address(url: str, schemes: Collection[str]) -> httpx2.URL:
    """Return ``url`` read, or raise Refused for what is none of ``schemes``, names no host or carries a user."""
    import httpx2

    try:
        address = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError) as error:
        raise Refused("it cannot be read as an address") from error
    if address.scheme not in schemes or address.scheme not in PORTS or not bare(address.host):
        raise Refused(f"it is no https address ({address.scheme or 'no scheme'})")
    if address.userinfo:
        raise Refused("it carries a user or password")
    return address


def named(host: str) -> str:
    """Return ``host`` for a message: a name as it is, an address of digits not at all."""
    name = bare(host)
    odd = _is_digits(name) or _NUMBER.fullmatch(name.rpartition(".")[2])
    return "it" if odd else name[:100]


def read_private_hosts(text: str | None) -> frozenset[tuple[str, int]]:
    """Return the hosts and ports of ``"host:port, host:port"``. Raises InvalidInput for anything else."""
    found, faults = set(), []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        host, colon, port = part.strip().rpartition(":")
        if not colon or not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
            faults.append(
                Fault(PRIVATE_HOSTS, f"{part.strip()[:80]!r} is no host:port.", "Write host:port, host:port.")
            )
            continue
        found.add((bare(host), int(port)))
    if faults:
        raise InvalidInput(faults)
    return frozenset(found)


def _is_digits(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
