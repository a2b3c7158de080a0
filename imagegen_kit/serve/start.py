"""Running the service: on this machine alone, unless it has a token."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency
from imagegen_kit.serve.access import TOKEN
from imagegen_kit.serve.listening import address_of, listen
from imagegen_kit.settings import secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

INSTALL = "pip install 'imagegen-kit[serve]'"
SHORTEST_TOKEN = 16


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_place(host: str, port: int) -> None:
    """Raise InvalidInput where the service would be open to others without a token, or by one that can be guessed."""
    tokens = [secret.get_secret_value() for secret in secrets(TOKEN)]
    faults = []
    if not is_loopback(host) and not tokens:
        hint = f"Set {TOKEN}, or leave the host at 127.0.0.1."
        faults.append(Fault("host", f"{host!r} can be reached by others, and there is no token.", hint))
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        hint = 'python -c "import secrets; print(secrets.token_urlsafe(24))" makes one.'
        faults.append(Fault(TOKEN, f"a token is shorter than {SHORTEST_TOKEN} characters.", hint))
    if not 0 <= port <= 65535:
        faults.append(Fault("port", f"{port} is not a port.", "Use 1 to 65535, or 0 for any free one."))
    if faults:
        raise InvalidInput(faults)


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    libraries: tuple[str, ...] = (),
    *,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; what was sent to a model is finished and kept then.

    ``libraries`` are folders of references that orders may name, besides "shipped". ``on_ready`` is called with the
    address once the service answers there. Raises InvalidInput for a host that others reach where no token is set, a
    port in use and a library that is not there, MissingDependency without the extra ``serve``.
    """
    check_place(host, port)
    try:
        import uvicorn

        from imagegen_kit.serve.application import create_app
    except ImportError as error:
        raise MissingDependency("The service", error.name or "fastapi", INSTALL) from error

    class Told(uvicorn.Server):
        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            if on_ready is not None and sockets:
                on_ready(address_of(host, sockets[0].getsockname()[1]))

    sockets = listen(host, port)
    try:
        app = create_app(libraries=libraries)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10, server_header=False)
        Told(config).run(sockets)
    finally:
        for one in sockets:
            one.close()
