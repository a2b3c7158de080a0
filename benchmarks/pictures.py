"""Stored answers: valid PNGs, all different, made once a machine; and a provider that gives them after a pause."""

from __future__ import annotations

import asyncio
import itertools
import os
import struct
import tempfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COUNT = 500
DRAWN = 50  # of the large ones; the others are these with another number inside, for drawing takes 0.1 s each
KEY_ENV = "BENCH_API_KEY"
AFTER_HEADER = 33  # signature (8 bytes) and IHDR chunk (25)


def stored(kind: str, count: int = COUNT) -> list[Path]:
    """Return ``count`` (at most 500) PNG files of a kind: tiny (64 × 32, 6 KB) or large (1024 × 1024, 1.5 MB)."""
    folder = Path(tempfile.gettempdir()) / "imagegen-kit-benchmarks" / f"{kind}-1"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:03}.png" for number in range(count)]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    base = _noise() if kind == "large" and missing else None
    for number in missing:
        if base is None:
            data = _png(np.random.default_rng(number).integers(0, 256, (32, 64, 3), dtype=np.uint8))
        elif number < DRAWN:
            data = _png(np.roll(base, 7 * number, (0, 1)))
        else:
            data = numbered(files[number % DRAWN].read_bytes(), number)
        whole = files[number].with_suffix(f".{os.getpid()}")
        whole.write_bytes(data)
        whole.replace(files[number])
    return files


def _noise() -> np.ndarray[Any, Any]:
    """Return a soft gradient under grain that leaves 3 to 4 bits a channel, as photographs do."""
    side = np.linspace(0, 200, 1024)
    soft = np.add.outer(side, side)[:, :, None] / 2
    return (soft + np.random.default_rng(0).integers(0, 5, (1024, 1024, 3))).astype(np.uint8)


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def numbered(data: bytes, number: int) -> bytes:
    """Return the PNG with a text chunk that says ``number``: other bytes, another hash, the same work."""
    body = b"tEXtComment\0%d" % number
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:AFTER_HEADER] + chunk + data[AFTER_HEADER:]


class Source:
    """Gives a different picture at each call, read from disk each time, so that no bytes are shared."""

    def __init__(self, files: list[Path]) -> None:
        self.files, self.calls = files, 0

    def next(self) -> bytes:
        """Return the next picture."""
        number, self.calls = self.calls, self.calls + 1
        data = self.files[number % len(self.files)].read_bytes()
        return data if number < len(self.files) else numbered(data, number)


def register_stored(
    source: Source,
    latency_s: float,
    *,
    price_usd: float | None = 0.04,
    models: int = 1,
    keyed: bool = False,
    jobs: bool = False,
) -> list[str]:
    """Register a provider that answers from ``source`` after ``latency_s`` through the public registry; its model ids.

    With a price, each call is reserved and settled in the ledger as a paid one is. ``keyed``: it takes an API key, so
    that its calls are counted by the key's limit as well; ``jobs``: it names a job before it works on it.
    """
    import imagegen_kit as ik
    from imagegen_kit.capabilities import Capabilities
    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.catalog.prices import Price
    from imagegen_kit.hookspecs import ProviderSpec
    from imagegen_kit.types import Accepted, Reply

    class StoredPictures:
        def __init__(self, account: Any) -> None:
            self.account = account

        async def generate(self, request: Any, on_progress: Any) -> Reply:
            await asyncio.sleep(latency_s)
            return Reply(pictures=(source.next(),))

    class StoredJobs(StoredPictures):
        numbers = itertools.count()

        async def generate(self, request: Any, on_progress: Any) -> Reply:
            await on_progress(Accepted(f"job-{next(self.numbers)}"))
            return await super().generate(request, on_progress)

        async def collect(self, job_id: str, request: Any, on_progress: Any) -> Reply:
            return await super().generate(request, on_progress)

    names = [f"still-{number}" for number in range(models)]
    price = None if price_usd is None else Price(price_usd)
    specs = tuple(ModelSpec(name, can=Capabilities(seed=True), price=price) for name in names)
    if keyed:
        os.environ[KEY_ENV] = "-".join(("no", "real", "key"))
    target = StoredJobs if jobs else StoredPictures
    keys = (KEY_ENV,) if keyed else ()
    ik.register(ProviderSpec("bench", models=specs, target=target, origin="simulated:bench", key_env=keys))
    return [f"bench/{name}" for name in names]
