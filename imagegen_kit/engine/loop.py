"""One background thread with one event loop that owns all clients, limits and semaphores.

Measured: SDK clients break when they are used across ``asyncio.run`` calls, and one loop keeps one connection pool.
Notebook cells, scripts and other event loops only hand coroutines over.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

T = TypeVar("T")


class BackgroundLoop:
    """An event loop on a daemon thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._ending, self._lock = False, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="imagegen-engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    @property
    def closed(self) -> bool:
        """Whether nothing is run on it any more."""
        return not self._thread.is_alive()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``coroutine`` on the loop; cancelling the future cancels the coroutine.

        Raises RuntimeError once the loop is being closed: nobody would run it, and whoever waits would for ever.
        """
        with self._lock:
            if not self._ending:
                return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        coroutine.close()
        raise RuntimeError("the engine is closed")

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` on the loop and block until it ends; Ctrl-C, kernel interrupt and SystemExit cancel it.

        Raises RuntimeError when called on the loop itself, which would wait for ever.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("this blocks the engine's own loop: inside a recipe, await the job's verbs instead")
        future = self.submit(coroutine)
        try:
            return future.result()
        except (KeyboardInterrupt, SystemExit):
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what is left, so that nobody waits for it for ever, and stop the loop and its thread."""
        with self._lock:
            self._ending = True
            last = asyncio.run_coroutine_threadsafe(_cancel_the_rest(), self.loop)
        last.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self.loop.stop))
        self._thread.join(timeout=10)
        if not self._thread.is_alive():
            self.loop.close()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=5)
