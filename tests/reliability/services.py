"""Simulated services with somebody at the door: who sees every call, may answer it, and may kill whoever sent it.

The simulators of ``imagegen_kit.testing`` do what services do by themselves; a test's ``door`` does what befalls a
call between the two programs. They live on threads of the test's process and so outlive the children that they judge.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request  # noqa: TC002  # starlette looks at it when it is called
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import imagegen_kit as ik
from imagegen_kit.catalog.job_api import load_job_api
from imagegen_kit.testing.simulators import GeminiSimulator, JobApiSimulator, OpenAISimulator
from imagegen_kit.testing.simulators.drawing import draw
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.server import Dropped, Simulator

if TYPE_CHECKING:
    import pytest

LAB_FILE = Path(__file__).with_name("lab.yaml")
PRICE = 0.04  # of lab/one, in USD

GoOn = Callable[[], Awaitable[Any]]
Door = Callable[["Call", GoOn], Awaitable[Any]]


@dataclass
class Call:
    """One HTTP call: ``at`` and ``answered`` are seconds of ``time.monotonic``, ``kind`` is submit, poll or picture."""

    at: float
    kind: str
    path: str
    key: str
    prompt: str
    status: int | None = None
    answered: float | None = None


class Watched:
    """What is added to a simulator: the list of ``calls``, a ``door``, and further ``keys`` that it takes."""

    door: Door | None = None
    keys: tuple[str, ...] = ()
    outside: str | None = None  # the address by which clients know it, where a gate stands before it

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.calls: list[Call] = []
        self._writing = threading.Lock()

    @property
    def origin_url(self) -> str:
        """Scheme, host and port, as clients know them."""
        return self.outside or str(super().origin_url)  # type: ignore[misc]

    def routes(self) -> list[Route]:
        """Return the routes of the service, each behind the door."""
        return [
            Route(route.path, self._behind_the_door(route.endpoint), methods=route.methods)
            for route in self.routes_of_its_own()
        ]

    def routes_of_its_own(self) -> list[Route]:
        """Return those that the simulator has anyway."""
        return list(super().routes())  # type: ignore[misc]

    def _behind_the_door(self, endpoint: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Any]]:
        async def answer(request: Request) -> Any:
            key = self._take_key(request)
            call = Call(time.monotonic(), _kind(request), request.url.path, key, await self._prompt(request))
            with self._writing:
                self.calls.append(call)

            async def go_on() -> Any:
                return await endpoint(request)

            response = await (self.door(call, go_on) if self.door is not None else go_on())
            call.status, call.answered = getattr(response, "status_code", None), time.monotonic()
            return response

        return answer

    def _take_key(self, request: Request) -> str:
        """Return the key that a call brings; one of ``keys`` passes for the simulator's own."""
        headers = request.scope["headers"]
        for number, (name, value) in enumerate(headers):
            if name in (b"authorization", b"x-goog-api-key", b"x-key"):
                given = value.decode("latin-1").rpartition(" ")[2]
                if given in self.keys:
                    headers[number] = (name, value.replace(given.encode(), self.key.encode()))
                return str(given)
        return ""

    async def _prompt(self, request: Request) -> str:
        jobs = getattr(self, "jobs", {})
        named = next((job for id, job in jobs.items() if id in request.url.path or id in request.url.query), None)
        if named is not None:
            return str(named.values.get("prompt", named.values.get("input.prompt", "")))
        try:
            return _prompt_in(await request.json()) if request.method == "POST" else ""
        except ValueError:
            return ""

    @property
    def submits(self) -> list[Call]:
        """The calls that ask for a picture."""
        with self._writing:
            return [call for call in self.calls if call.kind == "submit"]


class Lab(Watched, JobApiSimulator):
    """The job service of ``lab.yaml``. ``accepted_by_prompt`` counts what it would charge, the judge of a test."""

    def __init__(self, **named: Any) -> None:
        super().__init__(load_job_api(LAB_FILE), **named)

    @property
    def accepted_by_prompt(self) -> Counter[str]:
        """How many jobs were taken for each prompt."""
        return Counter(self.jobs[str(charge.job_id)].values["prompt"] for charge in self.ledger.accepted)

    @property
    def charged_usd(self) -> float:
        """What the service would bill."""
        return len(self.ledger.accepted) * PRICE


class KnownJobs(Watched, JobApiSimulator):
    """One of the job services that the toolkit knows."""


class Gemini(Watched, GeminiSimulator):
    """Gemini with somebody at the door."""


class OpenAI(Watched, OpenAISimulator):
    """OpenAI with somebody at the door."""


class Till(Watched, Simulator):
    """A service that charges once for each ``Idempotency-Key``, however often it is asked under it."""

    name = "till"

    def __init__(self) -> None:
        super().__init__()
        self.keys_seen: list[str] = []

    def routes_of_its_own(self) -> list[Route]:
        """Return the one route."""
        return [Route("/pictures", self._sell, methods=["POST"])]

    async def _sell(self, request: Request) -> Response:
        key = request.headers["idempotency-key"]
        if key not in self.keys_seen:
            self.ledger.accept(Charge("till/one", PRICE))
        self.keys_seen.append(key)
        return Response(draw("a picture", 32, 32, len(set(self.keys_seen)), look="tiny"), media_type="image/png")


def variables(sim: Any) -> dict[str, str]:
    """Return the environment in which a provider reaches ``sim`` as if it were the real service."""
    if isinstance(sim, Gemini):
        return {"GOOGLE_GEMINI_BASE_URL": sim.base_url, "GEMINI_API_KEY": sim.key}
    if isinstance(sim, OpenAI):
        return {"OPENAI_BASE_URL": sim.base_url, "OPENAI_API_KEY": sim.key}
    if isinstance(sim, Lab):
        return {"LAB_URL": sim.base_url, "LAB_KEY": sim.key, "IMAGEGEN_JOB_APIS": str(LAB_FILE)}
    from imagegen_kit.catalog.job_api import shipped_job_apis

    api = shipped_job_apis()[sim.service]
    return {api.base_url_env[0]: sim.base_url, api.key_env[0]: sim.key}


@contextmanager
def lab_at_work(monkeypatch: pytest.MonkeyPatch, latency: float) -> Iterator[Lab]:
    """Start a ``Lab`` that answers after ``latency`` seconds and let this session find it."""
    with Lab(latency=latency, look="tiny") as sim:
        for name, value in variables(sim).items():
            monkeypatch.setenv(name, value)
        ik.configure()
        yield sim


def _kind(request: Request) -> str:
    if request.url.path.startswith("/pictures/"):
        return "picture"
    return "submit" if request.method == "POST" else "poll"


def _prompt_in(body: Any) -> str:
    """Return the prompt of a submit: the first text under that name, or of a part of Gemini's contents."""
    if isinstance(body, dict):
        for name in ("prompt", "text"):
            if isinstance(body.get(name), str):
                return str(body[name])
        body = list(body.values())
    if isinstance(body, list):
        return next((found for one in body if (found := _prompt_in(one))), "")
    return ""


# ---------------------------------------------------------------------- what befalls a call
@dataclass
class Killer:
    """Kills the process ``pid`` and comes back only when it is dead, so that nothing reaches it any more."""

    pid: int = 0
    kills: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        """Kill, once."""
        if self.kills:
            return
        self.kills.append(time.monotonic())
        os.kill(self.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # it stays for its owner to take its exit code

    async def strike(self) -> None:
        """Kill from within a door."""
        await asyncio.to_thread(self)


def half_then(response: Response, between: GoOn) -> StreamingResponse:
    """Return ``response`` in two halves, with ``between`` done after the first has left."""
    body = bytes(response.body)

    async def pieces() -> Any:
        yield body[: len(body) // 2]
        await asyncio.sleep(0.02)  # let the first half arrive
        await between()
        yield body[len(body) // 2 :]

    headers = {"content-type": response.headers["content-type"], "content-length": str(len(body))}
    return StreamingResponse(pieces(), response.status_code, headers)


class CutOff:
    """An answer that says how long it is, and whose connection is closed in the middle of it."""

    status_code = 200

    def __init__(self, response: Response) -> None:
        self.response = response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send half, then close."""
        body = bytes(self.response.body)
        await send({"type": "http.response.start", "status": 200, "headers": self.response.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.02)
        scope["close_connection"]()
        while (await receive())["type"] != "http.disconnect":
            pass


def gateway(status: int) -> Response:
    """Return what a gateway says that lost the service behind it."""
    return Response(f"<html><body><h1>{status}</h1></body></html>", status, media_type="text/html")


def too_many(wait_s: float | None) -> Response:
    """Return 429 with ``Retry-After``, as most services word it."""
    headers = {} if wait_s is None else {"Retry-After": f"{wait_s:g}"}
    return JSONResponse({"error": {"message": "Too many requests.", "code": "rate_limit_exceeded"}}, 429, headers)


def too_many_for_google(wait_s: float) -> Response:
    """Return Gemini's 429 that says only in ``RetryInfo.retryDelay`` how long to wait."""
    kind = "type.googleapis.com/google.rpc."
    violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "10"}
    details = [
        {"@type": f"{kind}QuotaFailure", "violations": [violation]},
        {"@type": f"{kind}RetryInfo", "retryDelay": f"{wait_s:g}s"},
    ]
    error = {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}
    return JSONResponse({"error": {**error, "details": details}}, 429)


__all__ = [
    "LAB_FILE", "PRICE", "Call", "CutOff", "Dropped", "Gemini", "GoOn", "Killer", "KnownJobs", "Lab", "OpenAI", "Till",
    "gateway", "half_then", "too_many", "too_many_for_google", "variables",
]  # fmt: skip
