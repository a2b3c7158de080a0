"""The service: how soon a client hears of a picture that is stored, and what two hundred streams at once leave behind.

Client and server share a process and its loop's cores, so the figures hold the client's own work too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, Outcome, column, fresh

CLIENTS, PICTURES = 200, 2
SOON_MS, FLAT_MB = 100.0, 30.0


def heard(orders: int) -> dict[str, Any]:
    """Order one after the other; return the milliseconds from each first picture's file to its event at the client."""
    import httpx2

    from imagegen_kit.engine.session import default_engine

    blobs, late = default_engine().store.blobs, []
    with _served() as url, httpx2.Client(base_url=url, timeout=60) as client:
        for number in range(orders):
            order = {"recipe": "image", "model": "bench/plain", "prompt": f"order {number}", "n": 2}
            with client.stream("POST", "/generate-stream", json=order) as response:
                for line in response.iter_lines():
                    if line.startswith("data: ") and (sha256 := json.loads(line[6:]).get("sha256")):
                        arrived = time.time()
                        late.append((arrived - blobs.path(sha256, "png").stat().st_mtime) * 1000)
                        break
    late.sort()
    return {"median_ms": late[len(late) // 2], "p95_ms": late[int(len(late) * 0.95)]}


def crowd(clients: int) -> dict[str, Any]:
    """Let ``clients`` stream at once, twice; return what the second time added to the memory, and what was lost."""
    os.environ["IMAGEGEN_SERVE_CONCURRENCY"] = str(clients)
    with _served() as url:
        asyncio.run(_all(url, clients, "first"))
        gc.collect()
        before, start = _resident_mb(), time.perf_counter()
        told = asyncio.run(_all(url, clients, "second"))
        seconds = time.perf_counter() - start
        gc.collect()
        grown = _resident_mb() - before
    whole = ["started", *["picture"] * PICTURES, "finished"]
    return {"grown_mb": grown, "lost": sum(one != whole for one in told), "seconds": seconds}


async def _all(url: str, clients: int, name: str) -> list[list[str]]:
    import httpx2

    async def one(number: int) -> list[str]:
        order = {"recipe": "image", "model": "bench/plain", "prompt": f"{name} {number}", "n": PICTURES}
        async with client.stream("POST", "/generate-stream", json=order) as response:
            return [line[7:] async for line in response.aiter_lines() if line.startswith("event: ")]

    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        return await asyncio.gather(*map(one, range(clients)))


def _served() -> Any:
    from contextlib import contextmanager

    from PIL import Image

    import imagegen_kit as ik
    from imagegen_kit.serve import create_app
    from imagegen_kit.testing.simulators.serving import Serving

    @ik.register(model="bench/plain", version="1")
    def plain(request: Any) -> Image.Image:
        shade = sum(request.prompt.encode()) * 31 + request.sample
        return Image.new("RGB", (64, 64), (shade % 256, shade // 256 % 256, len(request.prompt)))

    @contextmanager
    def served() -> Any:
        serving = Serving(create_app(), "service")
        try:
            yield f"http://127.0.0.1:{serving.port}"
        finally:
            serving.close()

    return served()


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure both in fresh processes."""
    runs = 1 if quick else 3
    soon = [fresh(heard, orders=10 if quick else 40) for _ in range(runs)]
    many = [fresh(crowd, clients=40 if quick else CLIENTS) for _ in range(runs)]
    return Outcome(
        [
            Figure("first picture stored → its event, median", "ms", column(soon, "median_ms"), SOON_MS),
            Figure("first picture stored → its event, 95th percentile", "ms", column(soon, "p95_ms")),
            Figure("200 streams at once: events lost", "streams", column(many, "lost"), 0.0),
            Figure("200 streams at once: memory that is left over", "MB", column(many, "grown_mb"), FLAT_MB),
            Figure("200 streams at once: until the last has ended", "s", column(many, "seconds")),
        ]
    )
