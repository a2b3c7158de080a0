"""Reference pictures that a service only takes as addresses: put there once, and used again while they live."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.providers.job_api.templates import File


class Uploads:
    """The addresses of pictures uploaded lately, by their bytes; calls that want one picture share one upload."""

    def __init__(self, send: Callable[[File], Awaitable[str]], lives_s: float) -> None:
        self._send, self._lives = send, lives_s
        self._known: dict[str, tuple[float, asyncio.Task[str]]] = {}

    async def address(self, file: File) -> str:
        """Return the address of ``file`` at the service, uploading it where that has not been done."""
        digest = hashlib.sha256(file.data).hexdigest()
        since, task = self._known.get(digest, (0.0, None))
        if task is None or time.monotonic() - since > self._lives or _failed(task):
            task = asyncio.create_task(self._upload(file))
            task.add_done_callback(_failed)  # looked at even where all callers have left
            self._known[digest] = (time.monotonic(), task)
        return await asyncio.shield(task)  # one caller that leaves does not end it for the others

    async def _upload(self, file: File) -> str:
        return await self._send(file)

    async def aclose(self) -> None:
        """Stop uploads under way and forget all addresses."""
        tasks = [task for _, task in self._known.values() if not task.done()]
        self._known.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _failed(task: asyncio.Task[str]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
