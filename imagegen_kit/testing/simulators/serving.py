"""An ASGI application on a thread and a free port of this machine. Loaded at the first start of a simulator."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from uvicorn.server import ServerState


class Serving:
    """A running server; ``close`` cuts off whatever is under way and ends its thread.

    uvicorn's protocol is driven directly: its ``Server`` looks ten times a second whether it should stop (0.2 s for
    each simulator) and waits for calls under way.
    """

    def __init__(self, app: Any, name: str) -> None:
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listening.bind(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._state = ServerState()
        self._loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        # Connections stay open between calls: a client must not meet one that is just being closed.
        config = uvicorn.Config(
            self._closable(app), http="h11", ws="none", lifespan="off", log_config=None, timeout_keep_alive=3600
        )
        config.access_log = False  # given to Config, it would change the process's logger
        config.load()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(config, ready), name=name, daemon=True)
        self._thread.start()
        ready.wait()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._state.connections)

    def close(self) -> None:
        """Close every connection, stop, and wait until the thread has ended."""
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    def _run(self, config: uvicorn.Config, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(config, ready))

    async def _serve(self, config: uvicorn.Config, ready: threading.Event) -> None:
        def protocol() -> Any:
            made: Any = config.http_protocol_class
            return made(config=config, server_state=self._state, app_state={})

        server = await self._loop.create_server(protocol, sock=self._listening, backlog=2048)
        ready.set()
        await self._leave.wait()
        # A closed server leaves what it accepted and has not yet taken in unclosed: so first nothing more comes in.
        self._loop.remove_reader(self._listening.fileno())
        quiet = 0
        while quiet < 5:  # a connection that is being taken in just now has a task of its own until it is there
            taking_in = asyncio.all_tasks() - self._state.tasks - {asyncio.current_task()}
            for connection in list(self._state.connections):
                connection.transport.abort()
            quiet = 0 if taking_in or self._state.connections else quiet + 1
            await asyncio.sleep(0)  # the protocols hear that their connections are lost
        server.close()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _closable(self, app: Any) -> Any:
        async def with_close(scope: Any, receive: Any, send: Any) -> None:
            """Give the application a way to close its connection without an answer, and end quietly when stopped."""

            def close() -> None:
                for connection in list(self._state.connections):
                    if getattr(connection, "client", None) == scope["client"]:
                        connection.transport.abort()

            try:
                await app({**scope, "close_connection": close}, receive, send)
            except asyncio.CancelledError:
                if not self._leave.is_set():
                    raise

        return with_close
