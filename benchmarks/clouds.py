"""Clouds: many cells through each adapter over real HTTP, everything kept, beside the same SDK used by hand.

The service runs in a process of its own on this machine and answers after a pause; both arms keep alike (decode, hash,
thumbnail, two files, one durable row).
"""

from __future__ import annotations

import asyncio
import base64
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.floor import Rows, keep
from benchmarks.measure import Figure, Outcome, column, fresh, interleaved, percentile, ratios, tick
from benchmarks.served import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LATENCY_S, CONCURRENCY, WIDE = 0.3, 32, 128
WALL, CPU, AT_ONCE = 1.15, 1.3, 2.0
CONNECTIONS = 64  # more in one pool of httpx2 is slow, so by hand too nobody does it
MODELS = {
    "gemini": "gemini/gemini-2.5-flash-image",
    "openai": "openai/gpt-image-2.5-flare",
    "nanobanana": "nanobanana/sdxl-turbo",
}


# ---------------------------------------------------------------------- the toolkit
def engine_arm(
    service: str,
    base_url: str,
    key: str,
    cells: int,
    concurrency: int,
    model: str | None = None,
    look_at: Callable[[], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """Run the sweep as an experiment in this process and return what it took.

    ``model`` None is the service's usual one; ``look_at`` is asked at the end, while the engine is still there.
    """
    from pydantic import SecretStr

    import imagegen_kit as ik
    from imagegen_kit.engine.session import close_default_engine, default_engine
    from imagegen_kit.settings import Endpoint, point_at

    point_at({service: Endpoint(base_url, SecretStr(key), f"simulated:{service}")})
    policy = ik.Policy(concurrency=concurrency)
    model = model or MODELS[service]
    ik.generate("warm", model=model, policy=policy)  # imports, and the SDK's own first-use work
    experiment = ik.Experiment(
        vary={"prompt": [f"prompt {number}" for number in range(cells)], "model": [model]}, policy=policy
    )
    engine, lags = default_engine(), list[float]()
    ticker = engine.background.submit(tick(lags))
    wall, cpu = time.perf_counter(), time.process_time()
    run = experiment.run(progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ticker.cancel()
    statuses = {row.status for row in run}
    assert statuses == {"ok"}, statuses
    assert len(run) == cells
    seen = look_at()
    close_default_engine()
    return {"wall": wall, "cpu": cpu, "lag_p99": percentile(lags, 0.99), **seen}


def adapter_arm(service: str, base_url: str, key: str, cells: int, concurrency: int) -> dict[str, Any]:
    """Call the provider's object itself, without an engine and without keeping anything."""
    return asyncio.run(_adapter(service, base_url, key, cells, concurrency))


class _Sink:
    """What a provider calls while it works; nobody listens."""

    clock: Any

    async def __call__(self, event: Any) -> None:
        """Pass over the event."""


async def _adapter(service: str, base_url: str, key: str, cells: int, concurrency: int) -> dict[str, Any]:
    from pydantic import SecretStr

    from imagegen_kit.engine.policy import SystemClock
    from imagegen_kit.providers.base import Account
    from imagegen_kit.registry import get_registry
    from imagegen_kit.types import ImageRequest

    provider = get_registry().provider_target(service)(Account("default", SecretStr(key), base_url))
    slots, sink = asyncio.Semaphore(concurrency), _Sink()
    sink.clock = SystemClock()

    async def one(number: int) -> None:
        async with slots:
            reply = await provider.generate(ImageRequest(prompt=f"prompt {number}", model=MODELS[service]), sink)
            assert reply.pictures

    await one(-1)
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(cells)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await provider.aclose()
    return {"wall": wall, "cpu": cpu}


# ---------------------------------------------------------------------- by hand
def hand_arm(service: str, base_url: str, key: str, cells: int, concurrency: int, kept: bool = True) -> dict[str, Any]:
    """Run the sweep with the service's own SDK (httpx2 for a job API) in this process and return what it took."""
    return asyncio.run(_by_hand(service, base_url, key, cells, concurrency, kept))


async def _by_hand(service: str, base_url: str, key: str, cells: int, concurrency: int, kept: bool) -> dict[str, Any]:
    import httpx2

    count = math.ceil(concurrency / CONNECTIONS)
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    https = [httpx2.AsyncClient(limits=limits, timeout=60) for _ in range(count)]
    calls = [HANDS[service](http, base_url, key) for http in https]
    root, rows = Path.cwd(), Rows(Path("kept.sqlite"))
    slots, waiting = asyncio.Semaphore(concurrency), asyncio.Semaphore(2 * (os.cpu_count() or 2) + 4)

    async def one(number: int, threads: ThreadPoolExecutor, writer: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        async with slots:
            started = time.monotonic()
            data = await calls[number % count](f"prompt {number}")
            seconds = time.monotonic() - started
            if not kept:
                return
            await waiting.acquire()
        try:
            digest = await loop.run_in_executor(threads, keep, data, root)
        finally:
            waiting.release()
        await loop.run_in_executor(writer, rows.add, number, f"prompt {number}", digest, seconds)

    keep(await calls[0]("warm"), root)
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count()) as threads, ThreadPoolExecutor(1) as writer:
        async with asyncio.TaskGroup() as group:
            for number in range(cells):
                group.create_task(one(number, threads, writer))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert rows.count() == (cells if kept else 0)
    for http in https:
        await http.aclose()
    return {"wall": wall, "cpu": cpu}


def _gemini(http: Any, base_url: str, key: str) -> Callable[[str], Awaitable[bytes]]:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=base_url, timeout=60_000, httpx_async_client=http)
    client = genai.Client(api_key=key, http_options=options)
    config = types.GenerateContentConfig(response_modalities=["IMAGE"])

    async def call(prompt: str) -> bytes:
        reply = await client.aio.models.generate_content(model="gemini-2.5-flash-image", contents=prompt, config=config)
        return next(p.inline_data.data for p in reply.parts or () if p.inline_data and p.inline_data.data)

    return call


def _openai(http: Any, base_url: str, key: str) -> Callable[[str], Awaitable[bytes]]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=key, base_url=base_url, http_client=http, max_retries=0)

    async def call(prompt: str) -> bytes:
        reply = await client.images.generate(model="gpt-image-2.5-flare", prompt=prompt)
        return base64.b64decode((reply.data or [])[0].b64_json or "")

    return call


def _nanobanana(http: Any, base_url: str, key: str) -> Callable[[str], Awaitable[bytes]]:
    headers = {"Authorization": f"Bearer {key}"}

    async def call(prompt: str) -> bytes:
        asked = {"prompt": prompt, "model": "sdxl-turbo", "width": 1024, "height": 1024, "num_images": 1}
        job = (await http.post(f"{base_url}/generate", json=asked, headers=headers)).json()["job_id"]
        while True:
            await asyncio.sleep(1.0)  # as often as the service's own page says, and as the toolkit does
            found = (await http.get(f"{base_url}/status/{job}", headers=headers)).json()
            if found["status"] == "completed":
                return bytes((await http.get(found["image_url"])).content)
            assert found["status"] != "failed", found

    return call


HANDS: dict[str, Any] = {"gemini": _gemini, "openai": _openai, "nanobanana": _nanobanana}


# ---------------------------------------------------------------------- figures
def beside(service: str, look: str, cells: int, runs: int, out: Outcome) -> None:
    """Measure one adapter beside its SDK by hand, 32 calls in flight."""
    with served(service, LATENCY_S, look) as at:
        asked = {"service": service, "cells": cells, "concurrency": CONCURRENCY, **at}
        found = interleaved(
            {"engine": lambda: fresh(engine_arm, **asked), "hand": lambda: fresh(hand_arm, **asked)}, runs
        )
    engine, hand = found["engine"], found["hand"]
    walls, cpus = column(engine, "wall"), column(engine, "cpu")
    ideal = math.ceil(cells / CONCURRENCY) * LATENCY_S
    name = f"{service}, {look}"
    out.figures += [
        Figure(f"{name}: wall / by hand", "x", ratios(walls, column(hand, "wall")), WALL),
        Figure(f"{name}: CPU / by hand", "x", ratios(cpus, column(hand, "cpu")), CPU),
        Figure(f"{name}: wall / ideal", "x", [w / ideal for w in walls]),
        Figure(f"{name}: CPU a cell", "ms", [c / cells * 1e3 for c in cpus]),
        Figure(f"{name}: CPU a cell, by hand", "ms", [c / cells * 1e3 for c in column(hand, "cpu")]),
        Figure(f"{name}: loop lag p99", "ms", column(engine, "lag_p99")),
    ]


def at_once(service: str, cells: int, runs: int, out: Outcome) -> None:
    """Measure 128 calls in flight, where one large pool of connections would be slow: first the adapter alone."""
    with served(service, LATENCY_S, "tiny") as at:
        asked = {"service": service, "cells": cells, "concurrency": WIDE, **at}
        found = interleaved(
            {
                "adapter": lambda: fresh(adapter_arm, **asked),
                "bare": lambda: fresh(hand_arm, kept=False, **asked),
                "engine": lambda: fresh(engine_arm, **asked),
                "hand": lambda: fresh(hand_arm, **asked),
            },
            runs,
        )
    ideal = math.ceil(cells / WIDE) * LATENCY_S
    told = {"adapter": "adapter alone", "bare": "SDK alone", "engine": "kept by the engine", "hand": "kept by hand"}
    out.figures += [
        Figure(
            f"{service}, {WIDE} at once: {words} / ideal", "x", [w / ideal for w in column(found[arm], "wall")],
            AT_ONCE if arm == "adapter" else None,
        )
        for arm, words in told.items()
    ]  # fmt: skip


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure all of it."""
    out = Outcome()
    cells, runs = (96, 1) if quick else (500, 3)
    for service in MODELS:
        for look in ("tiny",) if quick else ("tiny", "plain"):
            beside(service, look, cells, runs, out)
        if service != "nanobanana":  # it polls once a second, so there is no ideal to compare with
            at_once(service, 256 if quick else 1024, runs, out)
    out.notes.append("the service shares this machine's cores; its own work is not in the CPU of either arm.")
    return out
