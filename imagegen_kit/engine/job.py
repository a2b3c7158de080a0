"""What a recipe sees of the world: verbs that ask for pictures, and nothing of providers, stores or files."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.ask import TEXT_NAMES, build_requests, build_text_request
from imagegen_kit.engine.image_result import ImageResult, failure_of
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.types import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.types import Progress, Request, Result

_NAMED = frozenset(
    (
        *("model", "style", "references", "mask", "negative_prompt", "size", "aspect_ratio", "quality"),
        *("seed", "sample", "n", "variation", "labels"),
    )
)


class Job:
    """One execution of a recipe. Its requests are numbered by ``step`` in the order in which they are asked."""

    def __init__(self, engine: Engine, scope: Scope, policy: Policy, emit: Callable[[Any], None] | None = None) -> None:
        self._engine, self._scope, self._policy, self._emit = engine, scope, policy, emit
        self._steps = 0

    @property
    def repeat(self) -> int:
        """Which repeat of the experiment's cell this is, from 0."""
        return self._scope.repeat

    def emit(self, event: Any) -> None:
        """Hand ``event`` to whoever streams this recipe."""
        if self._emit is not None:
            self._emit(event)

    async def image(self, prompt: str, **ask: Any) -> ImageResult:
        """Return one picture; raises what went wrong where none came. Takes what ``images`` takes but ``n``."""
        if ask.get("n") not in (None, 1):
            raise InvalidInput([Fault("n", "image gives one picture.", "Use images for several.")])
        answer = await self.images(prompt, **ask)
        if not answer.pictures:
            raise answer.failure()
        return answer

    async def edit(self, picture: Any, prompt: str, **ask: Any) -> ImageResult:
        """Return ``picture`` changed as ``prompt`` says; ``mask`` marks where. Raises what went wrong."""
        given = ask.pop("references", None) or ()
        more = list(given) if isinstance(given, (list, tuple)) else [given]
        return await self.image(prompt, references=[picture, *more], **ask)

    async def ask(self, prompt: str, *, model: str, **ask: Any) -> Result:
        """Return a text model's answer: ``.text``, or ``.data`` where a ``schema`` is given. Raises what went wrong.

        Takes system (the instruction that stands above the prompt), schema (a JSON schema for the answer), references
        (pictures to look at), seed, sample, labels and the model's own options.
        """
        ask = {name: value for name, value in ask.items() if value is not None}
        given = {name: value for name, value in ask.items() if name in TEXT_NAMES}
        options = {name: value for name, value in ask.items() if name not in TEXT_NAMES}
        request = await self._engine.in_thread(
            build_text_request, prompt, {"model": model, **given}, options, self._engine.registry, self._scope.repeat
        )
        step, self._steps = self._steps, self._steps + 1
        result = await self._one(request, None, step)
        if not result.ok:
            raise failure_of(result)
        return result

    async def images(self, prompt: str | Sequence[str], **ask: Any) -> ImageResult:
        """Return ``n`` pictures of each prompt, asked for at once, in order; failures are values among them.

        Takes model, style, references, mask, negative_prompt, size, aspect_ratio, quality, seed, sample, n, variation,
        labels and the model's own options. Raises InvalidInput with all faults before anything is sent.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        ask = {name: value for name, value in ask.items() if value is not None}
        given = {name: value for name, value in ask.items() if name in _NAMED}
        options = {} if len(given) == len(ask) else {n: v for n, v in ask.items() if n not in given}
        build = (given, options, self._engine.registry, self._scope.repeat, self._scope.default_model)
        built = []
        for text in prompts:
            if "references" in given or "mask" in given:
                built.append(await self._engine.in_thread(build_requests, text, *build))  # reads picture files
            else:
                built.append(build_requests(text, *build))
        asks = [(request, measure) for requests, measure in built for request in requests]
        first, self._steps = self._steps, self._steps + len(asks)
        if len(asks) == 1:
            results = [await self._one(*asks[0], first)]
        else:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(r, m, first + i)) for i, (r, m) in enumerate(asks)]
            except BaseExceptionGroup as several:  # failures of pictures are values; this is the store itself
                raise several.exceptions[0] from several
            results = [task.result() for task in tasks]
        asked = {"prompt": prompts[0], **ask} if len(prompts) == 1 else {}
        return ImageResult(tuple(results), self._scope.run_id, asked, self._engine.store, self._policy)

    async def upload(
        self,
        pictures: Any,
        prefix: str | None = None,
        *,
        names: Sequence[str] | None = None,
        expires_s: float | None = None,
    ) -> list[str]:
        """Copy pictures to the object storage of the setting ``remote`` and return their URLs, in order.

        ``pictures`` is one or several: answers of this job, paths, bytes, PIL images. The objects are named
        ``<prefix>/1.png``, ``<prefix>/2.png`` … by position and format, or as ``names`` says. ``expires_s`` gives links
        that open a private object without a key for so many seconds; without it the URL opens only what the bucket lets
        everybody read. What is there already with the same bytes is not sent again. Raises InvalidInput where no
        storage is set, StoreError where it fails to the end; the pictures stay in the store.
        """
        return await self._engine.upload(self._scope, self._policy, pictures, prefix, names, expires_s)

    async def _one(self, request: Request, measure: Mapping[str, Any] | None, step: int) -> Result:
        on_progress: Callable[[Progress], None] | None = self._emit
        result = await self._engine.obtain(
            request, scope=self._scope, policy=self._policy, step=step, measure=measure, on_progress=on_progress
        )
        if self._emit is not None:
            self._emit(Completed(step, result))
        return result
