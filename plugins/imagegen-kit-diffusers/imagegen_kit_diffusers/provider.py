"""The provider: reads requests, lets the worker draw them, and passes its steps on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagegen_kit import providers as kit
from imagegen_kit.errors import ContentBlocked, Fault, InvalidInput, ProviderError, UnknownName
from imagegen_kit.providers.faults import shortened
from imagegen_kit.types import Usage
from imagegen_kit_diffusers.asks import read_request
from imagegen_kit_diffusers.loading import Pipelines, refuse_absent
from imagegen_kit_diffusers.models import BATCH, DEVICE, DOWNLOAD, MODELS, batch_size, read_models
from imagegen_kit_diffusers.worker import Job, Worker

if TYPE_CHECKING:
    from imagegen_kit_diffusers.asks import Ask

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Diffusers:
    """Draws with diffusers pipelines on this machine."""

    def __init__(self, account: kit.Account) -> None:
        settings = account.settings
        self._models = read_models(settings.get(MODELS))
        self._download = _switch(settings.get(DOWNLOAD, "0"))
        pipelines = Pipelines(settings.get(DEVICE, "auto"), download=self._download)
        self._worker = Worker(pipelines, batch_size(settings.get(BATCH)))

    async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        """Draw the one picture that ``request`` asks for; Progress comes after every step. Raises ProviderError."""
        name = request.model.partition("/")[2]
        if name not in self._models:
            raise UnknownName("diffusers model", name, self._models, where="model")
        model = self._models[name]
        if not self._download:
            await asyncio.to_thread(refuse_absent, model)
        ask = await asyncio.to_thread(read_request, request, model)
        loop, steps = asyncio.get_running_loop(), asyncio.Queue[int | None]()

        def pass_on(step: int | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(steps.put_nowait, step)

        job = Job(ask, pass_on)
        job.done.add_done_callback(lambda _: pass_on(None))
        self._worker.put(job)
        try:
            while (step := await steps.get()) is not None:
                done = min(1.0, step / ask.steps_drawn)
                await on_progress(kit.Progress(done, f"step {step} of {ask.steps_drawn}"))
        finally:
            job.done.cancel()  # nothing, where it is done
        return _reply(job, ask)

    async def aclose(self) -> None:
        """Stop drawing after the step that is under way."""
        await asyncio.to_thread(self._worker.close)


def _reply(job: Job, ask: Ask) -> kit.Reply:
    if job.done.cancelled():
        raise ProviderError(f"{ask.id}: the provider was closed before the picture was drawn", model=ask.id, paid=False)
    error = job.done.exception()
    if isinstance(error, (ProviderError, InvalidInput, ImportError)):
        raise error
    if error is not None:
        words = f"{ask.id}: the pipeline failed with {type(error).__name__}: {shortened(str(error))}"
        raise ProviderError(words, model=ask.id, retryable=False, paid=False) from error
    drawn, seconds = job.done.result()
    if drawn.blocked:
        raise ContentBlocked(f"{ask.id}: the model's safety checker refused the picture it drew", model=ask.id)
    lost = tuple(kit.Adaptation(name, getattr(ask, name), None, "dropped") for name in drawn.lost)
    return kit.Reply(pictures=(drawn.png,), seed_used=ask.seed, usage=Usage(seconds=seconds), adaptations=lost)


def _switch(text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise InvalidInput([Fault(DOWNLOAD, f"{text!r} is neither 1 nor 0.")])
    return text.lower() in YES
