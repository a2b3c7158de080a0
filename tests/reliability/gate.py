"""A gate on the network before a service. Shut, it refuses connections as a host does on which nothing listens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any, Self
from urllib.parse import urlsplit


class Gate:
    """Relays bytes to the service at ``url``, whose own address takes the port of ``self.url``.

    The port is held by a socket that never listens, so that nobody else gets it while the gate is shut.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self.url = url.replace(f":{parts.port}", f":{self.port}", 1)
        self.let_in = 0
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)

    def open(self) -> None:
        """Let connections in."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def shut(self) -> None:
        """Refuse connections; those that are in stay."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()

    async def shut_for(self, seconds: float) -> None:
        """Refuse connections for a while; call it from any loop."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._shut_for(seconds), self._loop))

    async def _shut_for(self, seconds: float) -> None:
        await self._shut()
        await asyncio.sleep(seconds)
        await self._open()

    async def _open(self) -> None:
        if self._listening is None:
            self._listening = _bound(self.port)
            self._listening.listen(512)
            self._loop.add_reader(self._listening, self._accept)

    async def _shut(self) -> None:
        if self._listening is not None:
            self._accept()  # who has been let in by the system already is in
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._listening is not None:
                connection, _ = self._listening.accept()
                connection.setblocking(False)
                self.let_in += 1
                task = self._loop.create_task(self._relay(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _relay(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        try:
            done, pending = await asyncio.wait(
                [
                    asyncio.ensure_future(_pump(reader, there_writer)),
                    asyncio.ensure_future(_pump(there_reader, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        finally:
            for one in (writer, there_writer):
                one.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        async def leave() -> None:
            await self._shut()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(leave(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._holder.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()


def _bound(port: int) -> Any:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound
