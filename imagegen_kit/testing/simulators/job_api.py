"""A simulated job service: plays any of those of ``catalog/job_apis``, or any that a file of one's own describes.

What a known service takes and answers stands in tables made from its documents (``job_api_facts``), so that it does not
merely mirror how the toolkit's own files read them; unknown fields and other headers are refused as there.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import UnknownName
from imagegen_kit.testing.simulators.job_api_body import Unfit, body_of, fields_of
from imagegen_kit.testing.simulators.job_api_facts import Door
from imagegen_kit.testing.simulators.job_api_others import OTHERS
from imagegen_kit.testing.simulators.job_api_queues import QUEUES
from imagegen_kit.testing.simulators.job_api_replies import failure, filled, picture_reply, refusal
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.modes import MODES
from imagegen_kit.testing.simulators.server import KEY, Dropped, Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from imagegen_kit.catalog.job_api import JobApi
    from imagegen_kit.testing.simulators.job_api_facts import Facts

FACTS: Mapping[str, Facts] = {**QUEUES, **OTHERS}
OWN = {
    "job_failed": "the job ends in failure, uncharged unless the service bills failures",
    "never_ends": "the job runs for ever",
    "unknown_status": "the job gets a status that nobody knows",
    "foreign_poll_url": "the address for polls is on another host",
    "expired_result": "the picture's first address has run out",
}
STRANGE = "ON_HOLIDAY"
BYTES = "{bytes}"  # the answer is the picture itself


@dataclass(slots=True)
class Job:
    """One accepted call; ``asked`` counts the polls, ``links`` how often a picture's address was given out."""

    id: str
    model: str
    values: Mapping[str, Any] = field(repr=False)
    mode: str
    since: float
    asked: int = 0
    links: int = 0
    cancelled: bool = False

    @property
    def film(self) -> bool:
        """Whether a film was asked for."""
        return "duration" in self.values or "/i2v" in self.model


class JobApiSimulator(Simulator):
    """``JobApiSimulator("fal")`` or ``JobApiSimulator(load_job_api("my_service.yaml"))``.

    A job answers ``polls`` polls with "still running", and is not done before ``latency`` seconds have passed.
    ``modes`` are those that the service has a way to show, ``cancelled`` the ids of jobs that were stopped, ``uploads``
    the bytes that were uploaded, by their address.
    """

    modes: ClassVar[Mapping[str, str]] = {**MODES, **OWN}

    def __init__(
        self, service: str | JobApi, *, latency: float = 0.0, polls: int = 2, key: str = KEY, look: str = "plain"
    ) -> None:
        super().__init__(latency=latency, key=key, look=look)
        if isinstance(service, str):
            if service not in FACTS:
                raise UnknownName("simulated service", service, FACTS, where="service")
            self.service, self.facts = service, FACTS[service]
        else:
            from imagegen_kit.testing.simulators.job_api_own import facts_of

            self.service, self.facts = service.name, facts_of(service)
        self.modes = _shown_by(self.facts)  # type: ignore[misc]  # a service shows fewer of them than all together
        self.polls = polls
        self.answer: str | None = None  # what an endpoint of text answers; None: something made of the prompt
        self.jobs: dict[str, Job] = {}
        self.uploads: dict[str, bytes] = {}

    @property
    def base_url(self) -> str:
        """The address to give to the provider."""
        return self.origin_url + self.facts.base_path

    @property
    def cancelled(self) -> list[str]:
        """The ids of jobs that were cancelled."""
        return [job.id for job in self.jobs.values() if job.cancelled]

    @property
    def leaks(self) -> list[str]:
        """The paths of requests that carried the key where it does not belong: to another host, or to a picture."""
        return [
            r.path
            for r in self.ledger.requests
            if any(self.key in value for value in [*r.headers.values(), r.query])
            and (not r.headers["host"].startswith("127.0.0.1") or r.path.startswith("/pictures/"))
        ]

    def routes(self) -> list[Any]:
        """Return one route for all: which call it is, is told by the service's table."""
        from starlette.routing import Route

        picture = Route("/pictures/{id}/{link:int}.{kind}", self._picture, methods=["GET"])
        return [picture, Route("/{path:path}", self._call, methods=["GET", "POST", "PUT", "DELETE"])]

    async def _call(self, request: Request) -> Any:
        facts, path = self.facts, request.url.path
        if request.url.hostname != "127.0.0.1":  # another host, as the key must never see it
            return filled({"hello": "from elsewhere"}, {}, 200)
        if not path.startswith(facts.base_path):
            return failure(facts, 404, "Not Found")
        path = path.removeprefix(facts.base_path)
        if facts.auth is not None:
            name, form = facts.auth
            if request.headers.get(name) != form.format(key=self.key):
                return failure(facts, 401, "Invalid token")
        for door in facts.doors if request.method == "POST" else ():
            found = _match(door.path, path)
            stops = facts.cancel is not None and _match(facts.cancel[1], path) is not None
            if found is not None and not stops and fnmatchcase(found.get("model", ""), door.only):
                return await self._submit(request, door, found.get("model", ""))
        if facts.upload and request.method == "POST" and path == facts.upload[0]:
            return await self._upload(request)
        job = self._job(request, path) or await self._job_in_body(request)
        if job is None:
            return failure(facts, 404, "No such job")
        if facts.cancel and facts.cancel[0] == request.method and _match(facts.cancel[1], path):
            job.cancelled = True
            return filled({"id": job.id, "status": "CANCELLATION_REQUESTED"}, {}, 202)
        if facts.result and _match(facts.poll, path) is None:
            return self._result(job)
        return self._poll(job)

    def _job(self, request: Request, path: str) -> Job | None:
        places = [self.facts.poll, self.facts.result, self.facts.cancel[1] if self.facts.cancel else ""]
        found = next((match for place in places if place and (match := _match(place, path)) is not None), None)
        if found is None:
            return None
        query = request.query_params
        return self.jobs.get(found.get("id") or query.get("id") or query.get("taskId") or "")

    async def _job_in_body(self, request: Request) -> Job | None:
        """Return the job that the body of a poll by POST names."""
        try:
            body = await request.json() if request.method == "POST" else {}
        except ValueError:
            return None
        named = [value for value in body.values() if isinstance(value, str)] if isinstance(body, dict) else []
        return next((self.jobs[name] for name in named if name in self.jobs), None)

    async def _submit(self, request: Request, door: Door, model: str) -> Any:
        facts = self.facts
        try:
            values = fields_of(await body_of(request, door), door, self.uploads)
        except Unfit as error:
            return failure(facts, 422, str(error))
        model = model or str(values.get("model", ""))
        mode = self.next_mode()
        if refused := refusal(facts, mode):
            return refused
        job = Job(uuid.uuid4().hex, model, values, mode, time.monotonic())
        if mode == "blocked_before" and "refused" not in facts.states:
            return failure(facts, facts.refused_http, "the prompt is not allowed", form=facts.refusal)
        self.jobs[job.id] = job
        charge = Charge(f"{self.service}/{model}", job_id=job.id)
        ends_as = {"job_failed": "failed", "blocked_before": "refused"}.get(mode)
        if ends_as is None:
            self.charge(mode, charge)
        elif ends_as in facts.billed:
            self.ledger.accept(charge)
        if mode == "drop":
            return Dropped()
        if mode == "slow":
            await self.work(mode)
        if mode == "not_json":
            return filled("thank you", {}, 200)
        if facts.accepted is None:
            await self.work(mode)
            return self._done(job)
        form = facts.states["foreign"] if mode == "foreign_poll_url" and "foreign" in facts.states else facts.accepted
        return filled(form, self._values(job), 200)

    def _poll(self, job: Job) -> Any:
        facts = self.facts
        job.asked += 1
        early = job.asked <= self.polls or time.monotonic() - job.since < self.latency
        if early or job.mode in ("never_ends", "slow"):
            return filled(facts.states["pending"], self._values(job), facts.pending_http)
        if job.cancelled or job.mode == "job_failed":
            return self._failed(job)
        if job.mode in ("unknown_status", "unknown_finish") and "unknown" in facts.states:
            return filled(facts.states["unknown"], self._values(job), 200)
        if job.mode == "blocked_before":
            return filled(facts.states["refused"], self._values(job), 200)
        return filled(facts.states["done"], self._values(job), 200) if facts.result else self._done(job)

    def _failed(self, job: Job) -> Any:
        if "failed" not in self.facts.states:
            return failure(self.facts, 400, "the job failed")
        return filled(self.facts.states["failed"], self._values(job), 200)

    def _result(self, job: Job) -> Any:
        done = job.asked > self.polls and job.mode not in ("job_failed", "never_ends")
        return self._done(job, self.facts.results) if done else failure(self.facts, 400, "Request is still in progress")

    def _done(self, job: Job, states: Mapping[str, Any] | None = None) -> Any:
        """Answer that the picture is there, in the way that the job's mode asks for."""
        states = self.facts.states if states is None else states
        job.links += 1
        kind = {"no_picture": "empty", "blocked_after": "blocked", "unknown_finish": "empty"}.get(job.mode, "done")
        itself = states[kind] == BYTES
        if itself or (job.mode == "wrong_content_type" and "{picture" not in str(states[kind])):
            return picture_reply(job, self.look, self.drawn_by)
        return filled(states[kind], self._values(job), 200)

    def _values(self, job: Job) -> dict[str, Any]:
        """Return what the answers of the service may name."""
        return {
            "id": job.id,
            "base": self.base_url,
            "model": job.model,
            "app": "/".join(job.model.split("/")[:2]),
            "seed": int(job.values.get("seed", job.values.get("input.seed", 1234))),
            "status": STRANGE,
            "words": "the machine gave up",
            "place": max(0, self.polls - job.asked),
            "foreign": f"{self.base_url.replace('127.0.0.1', 'localhost')}/elsewhere/{job.id}",
            "picture": f"{self.origin_url}/pictures/{job.id}/{job.links}.{'mp4' if job.film else 'png'}",
            "said": self.answer if self.answer is not None else f"Written for: {job.values.get('prompt', '')}",
            "job": job,
            "look": self.look,
            "drawn_by": self.drawn_by,
        }

    async def _picture(self, request: Request) -> Any:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return failure(self.facts, 404, "No such picture")
        if job.mode == "expired_result" and request.path_params["link"] == 1:
            return filled("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", {}, 403)
        return picture_reply(job, self.look, self.drawn_by)

    async def _upload(self, request: Request) -> Any:
        assert self.facts.upload is not None
        _, takes, answer = self.facts.upload
        try:
            door = Door(path="", takes=takes, needs=takes)
            values = fields_of(await body_of(request, door), door, self.uploads)
        except Unfit as error:
            return failure(self.facts, 422, str(error))
        address = f"{self.origin_url}/uploads/{uuid.uuid4().hex}.png"
        self.uploads[address] = values["base64Data"]
        return filled(answer, {"upload": address}, 200)


def _shown_by(facts: Facts) -> dict[str, str]:
    """Return those of the modes that a service has a way to show."""
    absent = set() if facts.accepted is not None else set(OWN)
    states = {**facts.states, **facts.results}
    shown = {"no_picture": "empty", "blocked_after": "blocked", "job_failed": "failed", "unknown_status": "unknown"}
    shown |= {"unknown_finish": "unknown", "foreign_poll_url": "foreign", "blocked_before": "refused"}
    absent |= {mode for mode, state in shown.items() if state not in states}
    if facts.refusal is not None:
        absent.discard("blocked_before")
    if "{picture" not in str(states["done"]):
        absent.add("expired_result")
    if "{said}" in str(states["done"]):  # there is no picture that could be cut off
        absent.add("truncated")
    return {mode: text for mode, text in JobApiSimulator.modes.items() if mode not in absent}


def _match(pattern: str, path: str) -> dict[str, str] | None:
    """Return what stands in ``path`` for the placeholders of ``pattern``; None where it is another path."""
    parts = re.split(r"\{(\w+)\}", pattern)
    forms = [re.escape(p) if n % 2 == 0 else f"(?P<{p}>{'[^/]+' if p == 'id' else '.+?'})" for n, p in enumerate(parts)]
    found = re.fullmatch("".join(forms), path)
    return found.groupdict() if found else None
