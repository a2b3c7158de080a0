"""Servers on this machine that tests point downloads at: a canary that nobody may reach, and hosts that misbehave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import httpcore2

if TYPE_CHECKING:
    from collections.abc import Iterable

Behaviour = Callable[[socket.socket, bytes], None]
PUBLIC = "93.184.216.34"  # an address of the public internet, which no test here ever dials


class Host:
    """A host on a free port of 127.0.0.1: reads each request and lets ``behave`` answer it, then hangs up.

    ``connections`` counts what was accepted, ``requests`` holds the bytes that came, ``names`` the SNI names.
    """

    def __init__(self, behave: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave or (lambda connection, _: connection.sendall(answer(b"hello")))
        self.connections, self.requests, self.names = 0, list[bytes](), list[str | None]()
        self._tls = tls
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open = list[socket.socket]()
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._talk, args=(connection,)))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                    head += more
                self.requests.append(head)
                self.behave(connection, head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def endless(connection: socket.socket, _: bytes) -> None:
    """Send bytes for as long as somebody takes them, without saying how many there will be."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
    while True:
        connection.sendall(b"\x89PNG" * 4096)


def one_byte_a_second(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"\x89")
        time.sleep(1)


class MapsPublicToHere(httpcore2.AsyncNetworkBackend):
    """A network in which the addresses of ``routes`` lie on this machine, so that no test leaves it.

    ``dialled`` holds the addresses as they were dialled, ``received`` the bytes that came over all connections.
    """

    def __init__(self, routes: dict[str, int]) -> None:
        self.routes, self.dialled, self.received = routes, list[str](), 0
        self._real = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, **more: object) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        there = ("127.0.0.1", self.routes[host]) if host in self.routes else (host, port)
        return _Counted(await self._real.connect_tcp(*there, **more), self)


class _Counted(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream, network: MapsPublicToHere) -> None:
        self._stream, self._network = stream, network

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._network.received += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *given: object, **named: object) -> httpcore2.AsyncNetworkStream:
        return _Counted(await self._stream.start_tls(*given, **named), self._network)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def answering(*answers: Iterable[str]) -> tuple[Callable, list[str]]:
    """Return a resolver that gives ``answers`` one after the other (the last one for ever), and what it was asked."""
    asked, left = list[str](), [list(one) for one in answers]

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve, asked
