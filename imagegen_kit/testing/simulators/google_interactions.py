"""Google's Interactions API: pictures, text and films, at once, in the background or as a stream of events."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from imagegen_kit.testing.simulators import texts
from imagegen_kit.testing.simulators.drawing import cut
from imagegen_kit.testing.simulators.film import film
from imagegen_kit.testing.simulators.google import json_of
from imagegen_kit.testing.simulators.google_errors import Refused
from imagegen_kit.testing.simulators.google_interactions_read import Wanted, read
from imagegen_kit.testing.simulators.replies import NO_PICTURE, broken, encoded, event, events, json_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from imagegen_kit.testing.simulators.google import Answer, GoogleSimulator

WHEN = "2026-01-31T12:00:00Z"
FILES = "https://generativelanguage.googleapis.com/v1/files/"  # the only form of address that the SDK can download


@dataclass(slots=True)
class _Job:
    """An interaction that is kept: what it becomes, and when (seconds of ``time.monotonic``)."""

    whole: dict[str, Any]
    ready: float

    @property
    def now(self) -> dict[str, Any]:
        if time.monotonic() >= self.ready:
            return self.whole
        return {**self.whole, "status": "in_progress", "steps": [], "errors": None, "usage": None}


class Interactions:
    """The interactions and files of one simulated service."""

    def __init__(self, service: GoogleSimulator) -> None:
        self._service = service
        self._jobs: dict[str, _Job] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        self._count = 0

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes behind ``prefix``."""
        guarded = self._service.guarded
        return [
            Route(f"{prefix}/interactions", guarded(self.create), methods=["POST"]),
            Route(f"{prefix}/interactions/{{id}}", guarded(self.get), methods=["GET"]),
            Route(f"{prefix}/interactions/{{id}}/cancel", guarded(self.cancel), methods=["POST"]),
            Route(f"{prefix}/files/{{id}}:download", guarded(self.download), methods=["GET"]),
        ]

    async def create(self, request: Request) -> Answer:
        """Take an interaction; one in the background is answered before it is made."""
        wanted = read(await json_of(request))
        mode = await self._service.begin(wanted.model, wanted.tokens, later=wanted.background)
        if response := broken(mode):
            return response
        self._count += 1
        whole = await self._whole(wanted, mode, f"v1_simulated{self._count}")
        job = _Job(whole, time.monotonic() + (self._service.latency if wanted.background else 0.0))
        if wanted.store:
            self._jobs[whole["id"]] = job
        if wanted.background:
            return json_reply({**whole, "status": "in_progress", "steps": [], "errors": None, "usage": None})
        return events(_events(whole)) if wanted.stream else json_reply(whole)

    async def get(self, request: Request) -> Answer:
        """Tell what became of an interaction."""
        job = self._jobs.get(request.path_params["id"])
        if job is None:
            raise Refused(404, f"Interaction {request.path_params['id']} is not found.")
        return json_reply(job.now)

    async def cancel(self, request: Request) -> Answer:
        """Stop an interaction that is still under way."""
        job = self._jobs.get(request.path_params["id"])
        if job is None:
            raise Refused(404, f"Interaction {request.path_params['id']} is not found.")
        if time.monotonic() < job.ready:
            self._jobs[job.whole["id"]] = job = _Job({**job.whole, "status": "cancelled", "steps": []}, 0.0)
        return json_reply(job.whole)

    async def download(self, request: Request) -> Answer:
        """Send a file."""
        if request.path_params["id"] not in self._files:
            raise Refused(404, f"File {request.path_params['id']} is not found.")
        data, mime = self._files[request.path_params["id"]]
        return Response(data, media_type=mime)

    async def _whole(self, wanted: Wanted, mode: str, id: str) -> dict[str, Any]:
        whole: dict[str, Any] = {"id": id, "object": "interaction", "status": "completed", "model": wanted.model}
        whole |= {"created": WHEN, "updated": WHEN, "steps": [], "usage": _usage(wanted, mode)}
        if mode in ("blocked_before", "blocked_after"):
            code = "prohibited_content" if mode == "blocked_before" else "image_safety"
            return {**whole, "status": "failed", "errors": [{"code": code, "message": "The content was refused."}]}
        if mode == "unknown_finish":
            return {**whole, "status": "postponed"}
        content = [{"type": "text", "text": "I cannot make this."}]
        if mode != "no_picture":
            content = [await self._content(wanted, mode, id)]
        return {**whole, "steps": [{"type": "model_output", "content": content}]}

    async def _content(self, wanted: Wanted, mode: str, id: str) -> dict[str, Any]:
        if wanted.kind == "text":
            said = texts.answer(wanted.prompt, len(wanted.pictures), wanted.schema)
            return {"type": "text", "text": said[: len(said) // 2] if mode == "truncated" else said}
        if mode == "wrong_content_type":
            return {"type": "document", "mime_type": "application/pdf", "data": encoded(NO_PICTURE)}
        width, height = wanted.pixels
        if wanted.kind == "image":
            asked = wanted.model, wanted.prompt, wanted.pixels, wanted.seed
            data = await self._service.drawn(*asked, wanted.pictures, wanted.mime)
        else:
            data = await asyncio.to_thread(film, wanted.prompt, width, height, wanted.seconds, wanted.seed or 0)
        content = {"type": wanted.kind, "mime_type": wanted.mime}
        if wanted.delivery == "uri":
            file = id.partition("_")[2]  # letters and digits only: the SDK reads no others
            self._files[file] = cut(data) if mode == "truncated" else data, wanted.mime
            return {**content, "uri": f"{FILES}{file}:download?alt=media"}
        return {**content, "data": encoded(data, mode)}


def _usage(wanted: Wanted, mode: str) -> dict[str, Any]:
    given = {"text": texts.words(wanted.prompt), "image": wanted.input_tokens * len(wanted.pictures)}
    made = {wanted.kind: 0 if mode in ("blocked_before", "no_picture", "unknown_finish") else wanted.tokens}
    usage = {"total_input_tokens": sum(given.values()), "total_output_tokens": sum(made.values())}
    usage["total_thought_tokens"] = wanted.thoughts
    return {
        **usage,
        "total_tokens": sum(usage.values()),
        "input_tokens_by_modality": [{"modality": m, "tokens": n} for m, n in given.items() if n],
        "output_tokens_by_modality": [{"modality": m, "tokens": n} for m, n in made.items() if n],
    }


async def _events(whole: dict[str, Any]) -> AsyncIterator[bytes]:
    def one(name: str, **more: Any) -> bytes:
        return event({"event_type": name, **more}, name)

    yield one("interaction.created", interaction={**whole, "status": "in_progress", "steps": [], "usage": None})
    for index, step in enumerate(whole["steps"]):
        yield one("step.start", index=index, step={"type": step["type"], "content": []})
        for content in step["content"]:
            yield one("step.delta", index=index, delta=content)
        yield one("step.stop", index=index)
    if whole.get("errors"):
        yield one("error", error=whole["errors"][0])
    yield one("interaction.completed", interaction={**whole, "steps": []})
