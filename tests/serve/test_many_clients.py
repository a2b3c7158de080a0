"""Many clients at once (two hundred in the long tests), each with its stream: nothing is lost, memory stays flat."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import httpx2
import pytest

from tests.engine.models import model
from tests.serve.served import LAB, service

PICTURES = 2


def resident_mib() -> float:
    """The memory of this process that is really there."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def stream(client: httpx2.AsyncClient, number: int) -> list[str]:
    order = {**LAB, "prompt": f"cup {number}", "n": PICTURES}
    async with client.stream("POST", "/generate-stream", json=order) as response:
        return [line.removeprefix("event: ") async for line in response.aiter_lines() if line.startswith("event: ")]


async def all_at_once(port: int, clients: int) -> list[list[str]]:
    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits) as client:
        return await asyncio.gather(*(stream(client, number) for number in range(clients)))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory is read from /proc")
@pytest.mark.parametrize("clients", [40, pytest.param(200, marks=pytest.mark.soak)])
def test_streams_lose_nothing_and_leave_nothing_in_memory(clients, monkeypatch):
    monkeypatch.setenv("IMAGEGEN_SERVE_CONCURRENCY", str(clients))
    script = model(seconds=0.005, concurrency=50)
    with service() as (client, serving):
        asyncio.run(all_at_once(serving.port, clients))  # loads what is loaded once
        gc.collect()
        before = resident_mib()
        told = asyncio.run(all_at_once(serving.port, clients))
        gc.collect()
        grown = resident_mib() - before
        metrics = client.get("/metrics").text
    assert told == [["started", *["picture"] * PICTURES, "finished"]] * clients
    assert script.calls == clients * PICTURES  # the second time everything came from the store
    assert f'imagegen_orders_total{{outcome="done",recipe="image"}} {2.0 * clients}' in metrics
    assert "imagegen_orders_under_way 0.0" in metrics
    assert grown < 30, f"{grown:.0f} MiB more"
