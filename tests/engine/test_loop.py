"""The loop that owns everything: closing it leaves nobody waiting."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from imagegen_kit.engine.loop import BackgroundLoop


def test_whoever_still_waits_when_the_loop_is_closed_is_told() -> None:
    background = BackgroundLoop()
    begun = threading.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    waiting = background.submit(for_ever())
    assert begun.wait(60)
    background.close()
    with pytest.raises(CancelledError):
        waiting.result(timeout=60)
