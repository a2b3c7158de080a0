"""The service on a real port of this machine, and what a client reads of its events."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2

from imagegen_kit.serve import create_app
from imagegen_kit.testing.simulators.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = {"recipe": "image", "model": "lab/one", "prompt": "a cup"}
SKETCHES = {"brief": "a golf mascot", "model": "lab/one", "n": 3}


@contextmanager
def service(**given: Any) -> Iterator[tuple[httpx2.Client, Serving]]:
    """A client of the service, with the server behind it."""
    serving = Serving(create_app(**given), "service")
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{serving.port}", timeout=60) as client:
            yield client, serving
    finally:
        serving.close()


def events(response: Any) -> Iterator[tuple[str, Any]]:
    """Read server-sent events as they come."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
