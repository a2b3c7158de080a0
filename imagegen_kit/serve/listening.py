"""The place where the service listens: taken before anything is loaded, and told once it answers there."""

from __future__ import annotations

import os
import socket

from imagegen_kit.errors import Fault, InvalidInput


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at every address of ``host``, all on one port: any free one where ``port`` is 0.

    Raises InvalidInput where the port is in use or not allowed, or the host is none of this machine.
    """
    taken: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((one[0], str(one[4][0])) for one in found):
            number = taken[0].getsockname()[1] if taken else port
            taken.append(socket.create_server((address, number), family=family, backlog=2048))
    except OSError as error:
        for one in taken:
            one.close()
        where = "host" if isinstance(error, socket.gaierror) else "port"
        why = os.strerror(error.errno) if where == "port" and error.errno else error.strerror or str(error)
        hint = "Use another port, or 0 for any free one." if where == "port" else "Use 127.0.0.1."
        what = f"the service cannot listen at {address_of(host, port)}: {why}."
        raise InvalidInput([Fault(where, what, hint)]) from error
    return taken


def address_of(host: str, port: int) -> str:
    """Return the address that a browser opens."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
