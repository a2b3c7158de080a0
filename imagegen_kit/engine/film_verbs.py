"""What a job does with films: asks for them, finds the clips between keyframes, and joins clips to one film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.film_result import FilmResult
from imagegen_kit.engine.filming import FILM_NAMES, build_film_requests, read_clips
from imagegen_kit.film import Clip, Film, clips, join, open_film

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.types import Adaptation, Request, Result


class FilmVerbs:
    """The part of ``Job`` that knows of films."""

    _engine: Engine
    _scope: Scope
    _policy: Policy

    async def _all(
        self, asks: Sequence[tuple[Request, Mapping[str, Any] | None, tuple[Adaptation, ...]]]
    ) -> tuple[Result, ...]:
        raise NotImplementedError

    async def animate(
        self,
        prompt: str,
        *,
        first_frame: Any = None,
        last_frame: Any = None,
        seconds: float | None = None,
        **ask: Any,
    ) -> FilmResult:
        """Return one film of ``prompt``, that begins with ``first_frame`` and ends with ``last_frame``.

        Takes what ``films`` takes. ``answer.film`` is the film. Raises what went wrong where none came.
        """
        answer = await self.films(Clip(prompt, first_frame, last_frame, seconds), **ask)
        if not answer.films:
            raise answer.failure()
        return answer

    async def films(self, wanted: Clip | Sequence[Clip], **ask: Any) -> FilmResult:
        """Return a film of each ``wanted`` clip, asked for at once, in order; failures are values among them.

        Takes model (which must be named), references, size, aspect_ratio, negative_prompt, seed, sample, labels and
        the model's own options. Raises InvalidInput with all faults before anything is sent.
        """
        ask = {name: value for name, value in ask.items() if value is not None}
        given = {name: value for name, value in ask.items() if name in FILM_NAMES}
        options = {name: value for name, value in ask.items() if name not in FILM_NAMES}
        asked_for = read_clips(wanted)
        build = (asked_for, given, options, self._engine.registry, self._scope.repeat)
        requests = await self._engine.in_thread(build_film_requests, *build)
        results = await self._all([(request, None, ()) for request in requests])
        asked = {}
        if isinstance(wanted, Clip):
            parts = {"first_frame": wanted.first_frame, "last_frame": wanted.last_frame, "duration": wanted.seconds}
            asked = {"prompt": wanted.prompt, **{k: v for k, v in parts.items() if v is not None}, **ask}
        return FilmResult(results, self._scope.run_id, asked, self._engine.store, self._policy)

    def clips(
        self,
        keyframes: Sequence[Any],
        prompts: str | Sequence[str],
        *,
        model: str,
        kind: str | None = None,
        seconds: float | Sequence[float | None] | None = None,
    ) -> tuple[Clip, ...]:
        """Return the clips between ``keyframes`` by what ``model`` can do, for ``films``; see ``film.clips``.

        ``kind`` is "single" or "paired"; None is what the model declares. Raises InvalidInput with every fault, and
        for a model that starts from no picture, by its name.
        """
        found = self._engine.registry.model(model, today=self._policy.clock.now().date())
        return clips(keyframes, prompts, found.spec.can, model=found.id, kind=kind, seconds=seconds)

    async def join(self, films: Sequence[Any], **how: Any) -> Film:
        """Return ``films`` (answers of this job, Films) as one film in memory, as ``film.join`` does, in a thread.

        In a plan it is a stand-in. Raises InvalidInput where there is none.
        """
        found = [open_film(film) for film in films]
        return await self._engine.in_thread(lambda: join(found, **how))
