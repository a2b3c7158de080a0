"""The one thread that draws: it takes asks that wait and belong together as a batch."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from imagegen_kit.errors import ProviderError
from imagegen_kit_diffusers.drawing import Drawn, Stopped, draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit_diffusers.asks import Ask, Task
    from imagegen_kit_diffusers.models import Model


class Loads(Protocol):
    """What hands out pipelines."""

    def get(self, model: Model, task: Task) -> Any:
        """Return the pipeline of a model for a task."""


@dataclass(slots=True, eq=False)
class Job:
    """An ask and who waits for it: ``done`` gets the picture and its share of the batch's seconds."""

    ask: Ask
    on_step: Callable[[int], None]
    done: Future[tuple[Drawn, float]] = field(default_factory=Future)


class Worker:
    """Draws on a thread that begins with the first ask and ends with ``close``."""

    def __init__(self, pipelines: Loads, batch_size: int) -> None:
        self._pipelines, self._batch_size = pipelines, batch_size
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._fits: dict[tuple[Any, ...], int] = {}  # how many fit into memory, learnt from failures

    def put(self, job: Job) -> None:
        """Queue a job; cancelling its future takes it out, or stops its batch once nobody waits for any of it."""
        with self._changed:
            if self._closed:
                job.done.cancel()
                return
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="imagegen-kit-diffusers", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Stop after the step that is under way, and wait for that."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    break
                first = self._waiting.popleft()
            if first.done.cancelled():
                continue
            batch = [first]
            try:
                pipeline = self._pipelines.get(first.ask.model, first.ask.task)
                batch += self._companions(first)  # loading took its time: more may wait now
                self._draw(pipeline, batch)
            except BaseException as error:  # whatever it was, those who wait must hear of it
                for job in batch:
                    _answer(job, error=error)
        for job in self._waiting:
            job.done.cancel()

    def _companions(self, first: Job) -> list[Job]:
        with self._changed:
            most = min(self._batch_size, self._fits.get(first.ask.together, self._batch_size)) - 1
            waiting = (job for job in self._waiting if not job.done.cancelled())
            found = [job for job in waiting if job.ask.together == first.ask.together][:most]
            for job in found:
                self._waiting.remove(job)
        return found

    def _draw(self, pipeline: Any, batch: list[Job]) -> None:
        import torch

        asks = [job.ask for job in batch]

        def on_step(step: int) -> bool:
            waited_for = [job for job in batch if not job.done.cancelled()]
            for job in waited_for:
                job.on_step(step)
            return bool(waited_for) and not self._closed

        started = time.perf_counter()
        try:
            drawn = draw(pipeline, asks, on_step)
        except Stopped:
            for job in batch:
                job.done.cancel()
            return
        except torch.OutOfMemoryError as error:
            failure = error.with_traceback(None)  # its frames hold the tensors that did not fit
        else:
            seconds = (time.perf_counter() - started) / len(batch)
            for job, picture in zip(batch, drawn, strict=True):
                _answer(job, (picture, seconds))
            return
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        first = asks[0]
        if len(batch) == 1:
            words = f"{first.id}: {first.width} × {first.height} pixels do not fit into the memory of the device"
            raise ProviderError(f"{words}. Ask for a smaller size.", retryable=False, paid=False) from failure
        half = self._fits[first.together] = len(batch) // 2
        with self._changed:
            self._waiting.extendleft(reversed(batch[half:]))
        del batch[half:]  # in the caller's list too: what goes wrong from here on does not concern them
        self._draw(pipeline, batch)


def _answer(job: Job, value: tuple[Drawn, float] | None = None, error: BaseException | None = None) -> None:
    try:
        if value is not None:
            job.done.set_result(value)
        else:
            job.done.set_exception(error)
    except InvalidStateError:  # cancelled in the meantime
        pass
