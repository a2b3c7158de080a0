"""Two real S3 servers, and a real HTTP proxy that stands in front of one and does what a test wants to go wrong."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCESS, BUCKET = "tester-access", "bucket"
SECRET = "-".join(["tester", "secret", "0123456789"])
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def program(name: str) -> str:
    """Where a server's program is: beside this Python, or in the environment of its own that `make` sets up."""
    for folder in (Path(sys.prefix) / "bin", Path(sys.prefix) / "servers" / "bin"):
        if (folder / name).is_file():
            return str(folder / name)
    pytest.fail(f"{name} is not installed: run `make test`, which sets the servers of the tests up")


@dataclass
class Server:
    """A server of S3 on this machine; ``gaps`` names what it is known to do unlike S3, each with the reason."""

    name: str
    command: list[str]
    port: int = field(default_factory=free_port)
    gaps: dict[str, str] = field(default_factory=dict)
    process: Any = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        command = [part.replace("PORT", str(self.port)) for part in self.command]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return self
            except OSError:
                assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}"
                assert time.monotonic() < deadline, f"{self.name} does not answer"
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def rclone(folder: Path) -> Server:
    """Files below ``folder``; checks signatures and expiry, survives being killed."""
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    keys = f"{ACCESS},{SECRET}"
    words = [program("rclone"), "serve", "s3", "--addr", "127.0.0.1:PORT", "--auth-key", keys, str(folder)]
    return Server("rclone", [*words, "--config", "/dev/null"])


def moto() -> Server:
    """All in memory; knows conditional writes and ranges."""
    gaps = {"secret": "moto accepts any secret", "expiry": "moto serves links that have expired"}
    return Server("moto", [program("moto_server"), "-H", "127.0.0.1", "-p", "PORT"], gaps=gaps)


def make_bucket(server: Server, name: str = BUCKET) -> None:
    """Make a bucket where the server lets anybody do so (moto)."""
    request = urllib.request.Request(f"{server.endpoint}/{name}", method="PUT")
    urllib.request.urlopen(request).close()


@dataclass
class Proxy:
    """Hands everything on to ``to`` but what ``fault(method, path)`` says: a status, "drop" the answer, or None.

    A fault may also wait (for an event) before it returns. ``seen`` holds method and path of all requests.
    """

    to: Server
    fault: Callable[[str, str], int | str | None] = lambda method, path: None
    seen: list[tuple[str, str]] = field(default_factory=list)
    server: Any = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def sent(self, method: str, words: str = "") -> list[str]:
        return [path for m, path in self.seen if m == method and words in path]


@contextlib.contextmanager
def proxy_before(to: Server) -> Iterator[Proxy]:
    proxy = Proxy(to)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            proxy.seen.append((self.command, self.path))
            fault = proxy.fault(self.command, self.path)
            if isinstance(fault, int):
                self.answer(fault, [("ETag", '"x"')], SLOW_DOWN)
                return
            try:
                onward = http.client.HTTPConnection("127.0.0.1", proxy.to.port, timeout=30)
                with contextlib.closing(onward):
                    onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        onward.putheader(name, value)
                    onward.endheaders(body)
                    reply = onward.getresponse()
                    said = reply.read()
            except (OSError, http.client.HTTPException):  # the server was killed
                fault = "drop"
            if fault == "drop":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.answer(reply.status, reply.getheaders(), said)

        def answer(self, status: int, headers: list[tuple[str, str]], said: bytes) -> None:
            self.send_response_only(status)
            length = str(len(said))
            for name, value in headers:
                if name.lower() == "content-length" and self.command == "HEAD":
                    length = value
                elif name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # a client that was killed, or a connection that was dropped
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()

        def log_message(self, *args: object) -> None:
            pass

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def shutdown_request(self, request: Any) -> None:
            with contextlib.suppress(OSError):
                super().shutdown_request(request)

    proxy.server = Listener(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=proxy.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        proxy.server.server_close()
        thread.join()


def opened(url: str) -> int:
    """The HTTP status of getting a link without any key."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status
