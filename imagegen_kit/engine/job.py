"""What a recipe sees of the world: verbs that ask for pictures, and nothing of providers, stores or files."""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.ask import TEXT_NAMES, ask_faults, build_requests, build_text_request, each_given
from imagegen_kit.engine.deriving import read_derivation
from imagegen_kit.engine.feeding import Feeding, asks_to_retrieve
from imagegen_kit.engine.film_verbs import FilmVerbs
from imagegen_kit.engine.image_result import ImageResult, failure_of
from imagegen_kit.engine.references import FEEDING, TOP_K
from imagegen_kit.engine.replay import answers_for
from imagegen_kit.engine.retrieving import read_sought
from imagegen_kit.engine.scoring import score_results
from imagegen_kit.engine.sending import storage_of
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.store.values import CELLS_PER_RUN
from imagegen_kit.types import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.types import Adaptation, Progress, Reference, Request, Result

_NAMED = frozenset(
    (
        *("model", "style", "references", "mask", "negative_prompt", "size", "aspect_ratio", "quality"),
        *("seed", "sample", "n", "variation", "labels", *FEEDING),
    )
)


class Job(FilmVerbs):
    """One execution of a recipe. Its requests are numbered by ``step`` in the order in which they are asked."""

    def __init__(self, engine: Engine, scope: Scope, policy: Policy, emit: Callable[[Any], None] | None = None) -> None:
        self._engine, self._scope, self._policy, self._emit = engine, scope, policy, emit
        self._steps, self._end = 0, math.inf

    def branches(self, lengths: Sequence[int]) -> list[Job]:
        """Return a job for each of several parts of a recipe that run at once, with how many answers it may ask for.

        Each numbers its requests in a block of its own, in the order given, so that the numbers do not hang on which
        part was quicker, and a run that is continued finds them where they were. Numbers that are not used stay out.
        """
        jobs = []
        for length in lengths:
            job = Job(self._engine, self._scope, self._policy, self._emit)
            job._steps = self._take(length)
            job._end = job._steps + length
            jobs.append(job)
        return jobs

    def _take(self, count: int) -> int:
        """Return the first of the next ``count`` numbers. Raises InvalidInput where a branch has no more."""
        first, self._steps = self._steps, self._steps + count
        if self._steps > self._end:
            what = f"this part of the recipe asks for more answers than it was given numbers for, {self._end - first}."
            raise InvalidInput([Fault("branches", what, "Give job.branches more.")])
        return first

    @property
    def repeat(self) -> int:
        """Which repeat of the experiment's cell this is, from 0."""
        return self._scope.repeat

    @property
    def can_upload(self) -> bool:
        """Whether there is an object storage, so that ``upload`` has somewhere to send to."""
        return self._engine.store.uploads is not None

    def check_upload(self, expires_s: float | None = None) -> None:
        """Raise what ``upload`` would say of the storage and of ``expires_s``, so that a recipe refuses before it buys.

        Raises InvalidInput where no storage is set, or where it gives no links for so many seconds.
        """
        remote = storage_of(self._engine.store).remote
        if expires_s is not None:
            remote.check_expiry(expires_s)

    def spec(self, model: str | None = None) -> ModelSpec | None:
        """Return what is known of ``model`` (None: the default), so that a recipe can refuse before it spends.

        None where only a replay knows it. Raises InvalidInput for an unknown name.
        """
        name = model or self._scope.default_model
        try:
            return self._engine.registry.model(name, today=date.min).spec
        except InvalidInput:
            if answers_for(name):
                return None
            raise

    @contextmanager
    def timed(self) -> Iterator[Callable[[], float]]:
        """Measure the seconds of a ``with`` block by the policy's clock; what it gives returns them."""
        clock = self._policy.clock
        started = clock.monotonic()
        ended: list[float] = []
        try:
            yield lambda: (ended[0] if ended else clock.monotonic()) - started
        finally:
            ended.append(clock.monotonic())

    @property
    def place(self) -> tuple[str, int]:
        """Return the id of the run that this is a part of, and the number of its cell there."""
        return self._scope.run_id, self._scope.cell % CELLS_PER_RUN

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
        if asks_to_retrieve(given):
            fed, _ = await self._fed(prompt, {"references": given.pop("references")})
            given |= fed
        request = await self._engine.in_thread(
            build_text_request, prompt, {"model": model, **given}, options, self._engine.registry, self._scope.repeat
        )
        step = self._take(1)
        result = await self._one(request, None, (), step)
        if not result.ok:
            raise failure_of(result)
        return result

    async def images(self, prompt: str | Sequence[str], **ask: Any) -> ImageResult:
        """Return ``n`` pictures of each prompt, asked for at once, in order; failures are values among them.

        Takes model, style, references, library, retriever, query_by, top_k, mask, negative_prompt, size, aspect_ratio,
        quality, seed, sample, n, variation, labels and the model's own options. References that are given come first,
        then ``top_k`` from the library (3 where a library is given and nothing is said; 0 is none). With several
        prompts, a list of as many models, styles, variations or labels gives each its own. Raises InvalidInput with
        all faults before anything is sent.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        ask = {name: value for name, value in ask.items() if value is not None}
        given = {name: value for name, value in ask.items() if name in _NAMED}
        options = {} if len(given) == len(ask) else {n: v for n, v in ask.items() if n not in given}
        build = (options, self._engine.registry, self._scope.repeat, self._scope.default_model)
        built = []
        for text, own in zip(prompts, each_given(prompts, given), strict=True):
            if asks_to_retrieve(own):
                fed, notes = await self._fed(text, own)
                requests = await self._engine.in_thread(build_requests, text, fed, *build)
                built.append((*requests, notes))
            elif "references" in own or "mask" in own:
                requests = await self._engine.in_thread(build_requests, text, own, *build)  # reads picture files
                built.append((*requests, ()))
            else:
                built.append((*build_requests(text, own, *build), ()))
        asks = [(request, measure, notes) for requests, measure, notes in built for request in requests]
        results = await self._all(asks)
        asked = {"prompt": prompts[0], **own, **options} if len(prompts) == 1 else {}
        asked.pop("labels", None)  # they are the recipe's, and ``again`` asks by itself
        return ImageResult(results, self._scope.run_id, asked, self._engine.store, self._policy)

    async def derive(
        self, pictures: Any, function: Callable[..., Any], *, n: int = 1, labels: Any = None, **options: Any
    ) -> ImageResult:
        """Return ``n`` pictures that ``function`` makes of ``pictures`` (cuts, mends, joins), kept in this run.

        ``function(*pictures, **options)`` is called in a thread with ``Picture`` objects and returns one picture, or a
        list of ``n``: PIL images, bytes, arrays, Pictures, or what has a ``picture`` (as ``auto_fix`` gives). They
        cost nothing, have ``pictures`` (answers of this job, or any that ``open_picture`` reads) as their parents, and
        stand in the table under the first one's request, with ``labels`` (a mapping, or one for each) beside its own.
        An ImagegenError of the function is a failure among the results; a recipe that is run again gets what was made
        before. Raises InvalidInput, and what went wrong where a given picture did not come.
        """
        wanted = await self._engine.in_thread(read_derivation, pictures, function, n, labels, options)
        first = self._take(n)
        results = await self._engine.derive(self._scope, self._policy, wanted, first)
        for result in results:
            self.emit(Completed(result.step, result))
        return ImageResult(tuple(results), self._scope.run_id, {}, self._engine.store, self._policy)

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
        ``<prefix>/1.png``, ``<prefix>/2.png`` … by position and format, or as ``names`` says: under a name that ends
        in another format's suffix (.jpg) the picture is sent in that format. ``expires_s`` gives links that open a
        private object without a key for so many seconds; without it the URL opens only what the bucket lets everybody
        read. What is there already with the same bytes is not sent again. Raises InvalidInput where no storage is set,
        StoreError where it fails to the end; the pictures stay in the store.
        """
        return await self._engine.upload(self._scope, self._policy, pictures, prefix, names, expires_s)

    async def retrieve(
        self,
        text: str | None = None,
        *,
        library: Any,
        top_k: int = TOP_K,
        query_by: str = "text",
        image: Any = None,
        retriever: str | None = None,
        **brief: Any,
    ) -> list[Reference]:
        """Return the references of ``library`` that suit ``text`` or ``image`` best, at most ``top_k``, best first.

        ``library`` is a Library, its path or "shipped"; ``query_by`` text, image or text+image; ``image`` one picture
        or several; ``brief`` what ``Library.search`` takes further (where, negative, weights, diversity, min_score …).
        The pictures lie in the store then, so the library may change. A recipe that is run again on resume gets what it
        got before. Raises InvalidInput with every fault, StoreError where a found picture is gone or has changed.
        """
        sought = await self._engine.in_thread(
            read_sought, text, library, top_k, query_by, image, retriever, brief, self._engine.registry
        )
        found = await self._engine.retrieve(sought, scope=self._scope, policy=self._policy)
        return list(found.references)

    async def score(self, answer: Any, scorers: Any, *, decides: bool = True) -> list[dict[str, Measurement] | None]:
        """Return what ``scorers`` (as ``Run.score`` takes them) measure of each picture of ``answer``, in order.

        ``answer`` is what ``images``, ``image`` or ``edit`` returned, or several of these: a scorer of sets takes them
        all as one set. {measure: measurement} for each, without "score_"; None for a failure or a placeholder. The
        numbers are in the run's table, and are not measured again on resume. ``decides`` False says that nothing is
        asked for because of them, so that a plan stays exact. Raises InvalidInput and MissingDependency.
        """
        answers = [answer] if hasattr(answer, "results") else list(answer)
        results = [result for one in answers for result in getattr(one, "results", (one,))]
        return await score_results(self._engine, self._scope, results, scorers, decides)

    async def _fed(self, prompt: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Adaptation, ...]]:
        """Return what was asked with its references found, and in what they differ from what was asked."""
        feeding = Feeding(prompt, given, self._engine.registry)
        await self._engine.in_thread(feeding.check, ask_faults)
        for step in feeding.steps():
            sought = await self._engine.in_thread(feeding.seek, step)
            if sought is not None:
                feeding.take(sought, await self._engine.retrieve(sought, scope=self._scope, policy=self._policy))
        return feeding.fed(), tuple(feeding.notes)

    async def _all(
        self, asks: Sequence[tuple[Request, Mapping[str, Any] | None, tuple[Adaptation, ...]]]
    ) -> tuple[Result, ...]:
        """Return the results of several asks, made at once, in order."""
        first = self._take(len(asks))
        if len(asks) == 1:
            return (await self._one(*asks[0], first),)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(*one, first + i)) for i, one in enumerate(asks)]
        except BaseExceptionGroup as several:  # failures of pictures are values; this is the store itself
            raise several.exceptions[0] from several
        return tuple(task.result() for task in tasks)

    async def _one(
        self, request: Request, measure: Mapping[str, Any] | None, notes: tuple[Adaptation, ...], step: int
    ) -> Result:
        on_progress: Callable[[Progress], None] | None = self._emit
        result = await self._engine.obtain(
            request,
            scope=self._scope,
            policy=self._policy,
            step=step,
            measure=measure,
            notes=notes,
            on_progress=on_progress,
        )
        if self._emit is not None:
            self._emit(Completed(step, result))
        return result
