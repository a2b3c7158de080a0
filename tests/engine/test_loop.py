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


def test_whoever_asks_in_the_moment_of_its_end_is_told_or_refused() -> None:
    async def soon() -> int:
        await asyncio.sleep(0)
        return 1

    told: list[type[BaseException]] = []

    def ask(background: BackgroundLoop) -> None:
        try:
            while True:
                assert background.submit(soon()).result(timeout=10) == 1
        except BaseException as error:
            told.append(type(error))

    for _ in range(20):
        background = BackgroundLoop()
        threads = [threading.Thread(target=ask, args=(background,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        background.close()
        for thread in threads:
            thread.join()
    assert len(told) == 60
    assert set(told) <= {CancelledError, RuntimeError}, "and nobody waits until a timeout"
