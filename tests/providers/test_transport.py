"""Clients of at most 64 connections each, counted at the service's own sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from imagegen_kit.providers.transport import CONNECTIONS, Clients, certificates

if TYPE_CHECKING:
    import httpx2


async def serve(hold: asyncio.Event, open_now: Counter):
    """A service that holds every call until ``hold`` is set, and counts its open connections."""

    async def answer(reader, writer):
        open_now["now"] += 1
        open_now["most"] = max(open_now["most"], open_now["now"])
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await hold.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_now["now"] -= 1
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def calls_at_once(count: int) -> tuple[int, int, int]:
    """Return how many clients were opened for ``count`` calls at once and again, and the most connections."""
    hold, open_now, made = asyncio.Event(), Counter(), []

    def make(http: httpx2.AsyncClient) -> httpx2.AsyncClient:
        made.append(http)
        return http

    clients: Clients[httpx2.AsyncClient] = Clients(make, lambda http: http.aclose())
    server = await serve(hold, open_now)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    async def call() -> None:
        async with clients.one() as http:
            assert (await http.get(url)).text == "ok"

    first = [asyncio.create_task(call()) for _ in range(count)]
    while open_now["now"] < count:
        await asyncio.sleep(0.005)
    hold.set()
    await asyncio.gather(*first)
    before = len(made)
    await asyncio.gather(*(call() for _ in range(count)))
    most, again = open_now["most"], len(made)
    await clients.aclose()
    server.close()
    await server.wait_closed()
    return before, again, most


@pytest.mark.parametrize(("count", "clients"), [(1, 1), (64, 1), (65, 2), (150, 3)])
def test_each_client_has_at_most_64_connections_and_is_used_again(count, clients):
    assert CONNECTIONS == 64
    before, again, most = asyncio.run(calls_at_once(count))
    assert (before, again) == (clients, clients)
    assert most == count


def test_a_call_that_fails_gives_its_place_back():
    async def main() -> int:
        made = []
        clients = Clients(lambda http: made.append(http) or http, lambda http: http.aclose())
        for _ in range(CONNECTIONS + 1):
            with pytest.raises(RuntimeError):
                async with clients.one():
                    raise RuntimeError
        await clients.aclose()
        return len(made)

    assert asyncio.run(main()) == 1


def test_certificates_are_read_once_and_again_only_where_others_are_named(tmp_path, monkeypatch):
    first = certificates()
    assert certificates() is first
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    none = certificates()
    assert none is not first
    assert none.cert_store_stats()["x509"] == 0
    for found in (first, none):
        assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
