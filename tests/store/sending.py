"""What the tests of uploads share: a store with planned copies, and the storage's keys in the environment."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.store import Store
from imagegen_kit.store.remote import blob_name
from imagegen_kit.store.upload_rows import INSERT_UPLOAD, now
from tests.store.object_servers import ACCESS, BUCKET, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ROOT = Path(__file__).resolve().parents[2]
URL = f"s3://{BUCKET}/pictures-of-tests"


def set_keys(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name in [n for n in os.environ if n.startswith(("AWS_", "S3_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("S3_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("S3_SECRET_KEY", SECRET)
    monkeypatch.setenv("S3_ENDPOINT", endpoint)


def some_bytes(number: int, size: int = 5000) -> bytes:
    return random.Random(number).randbytes(size)


def plan(store: Store, count: int, *, size: int = 5000, url: str = URL, first: int = 0) -> dict[str, bytes]:
    """Store ``count`` files and plan their copies, as the engine does; return what shall lie where."""
    wanted, rows = {}, []
    for number in range(first, first + count):
        data = some_bytes(number, size)
        sha = hashlib.sha256(data).hexdigest()
        store.blobs.put(data, sha, "png")
        name = blob_name(sha, "png")
        wanted[name] = data
        rows.append((INSERT_UPLOAD, (sha, "png", url, name, now())))
    store.journal.write(rows).result()
    return wanted


def states(store: Store) -> list[str]:
    return [state for (state,) in store.journal.read("SELECT state FROM uploads ORDER BY id")]


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def sender(folder: Path, url: str = URL) -> subprocess.Popen[bytes]:
    """Start a process that sends what is planned in the store at ``folder``."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.sender", str(folder), url],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=folder,
    )  # fmt: skip
