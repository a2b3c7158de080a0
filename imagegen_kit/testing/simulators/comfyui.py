"""A simulated ComfyUI: strict about graphs, one job after the other, with history, pictures and uploads.

Source: ``server.py`` and ``execution.py`` of ComfyUI, docs.comfy.org (routes of the server).
"""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.testing.simulators.comfyui_graph import draw, judge
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.modes import MODES
from imagegen_kit.testing.simulators.server import Dropped, Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

_NO_JUDGE = ("blocked_before", "blocked_after", "unknown_finish")  # nobody looks at contents on one's own server
_OWN = {
    "job_failed": "the job ends in an error of one of its nodes",
    "interrupted": "somebody else interrupts the job",
    "never_ends": "the job runs for ever, and those behind it wait",
    "unknown_status": "the job ends in a status that nobody knows",
    "expired_result": "the picture is gone when it is asked for",
    "forgotten": "the server restarts and forgets the job",
}
FRUITLESS = ("job_failed", "interrupted", "unknown_status", "forgotten")  # work that nobody gets anything of
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
NOT_FROM_HERE = ("/", "\\", "..")


@dataclass(slots=True)
class Job:
    """One prompt; ``started`` is None while it waits (seconds of ``time.monotonic``)."""

    number: int
    id: str
    graph: dict[str, Any]
    extra: dict[str, Any]
    outputs: list[str]
    mode: str
    started: float | None = None
    entry: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.entry = [self.number, self.id, self.graph, self.extra, self.outputs]


class ComfyUISimulator(Simulator):
    """ComfyUI with the standard nodes and two checkpoints. It has no key; ``latency`` is the seconds of one job."""

    name: ClassVar[str] = "comfyui"
    modes: ClassVar[Mapping[str, str]] = {mode: said for mode, said in MODES.items() if mode not in _NO_JUDGE} | _OWN

    def __init__(self, *, latency: float = 0.0, **given: Any) -> None:
        super().__init__(latency=latency, **given)
        self._number = 0
        self._queue: deque[Job] = deque()  # the first is the one that runs
        self._history: dict[str, dict[str, Any]] = {}
        self._modes: dict[str, str] = {}  # of pictures, by their file names
        self.uploads: dict[str, bytes] = {}
        self._pictures: dict[str, bytes] = {}

    def routes(self) -> list[Any]:
        """Return the routes that a client of the API needs."""
        from starlette.routing import Route

        return [
            Route("/prompt", self._submit, methods=["POST"]),
            Route("/queue", self._show_queue, methods=["GET"]),
            Route("/queue", self._change_queue, methods=["POST"]),
            Route("/interrupt", self._interrupt, methods=["POST"]),
            Route("/history/{id}", self._show_history, methods=["GET"]),
            Route("/view", self._view, methods=["GET"]),
            Route("/upload/image", self._upload, methods=["POST"]),
        ]

    async def _submit(self, request: Request) -> Any:
        from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse

        mode = self.next_mode()
        refusals = {  # but for error_500 these come from the gateway in front of a server
            "rate_limited": PlainTextResponse("Too Many Requests", 429, {"retry-after": "1"}),
            "rate_limited_bare": PlainTextResponse("Too Many Requests", 429),
            "quota": PlainTextResponse("Payment Required", 402),
            "unavailable": PlainTextResponse("Service Unavailable", 503),
            "error_500": PlainTextResponse("500 Internal Server Error\n\nServer got itself in trouble", 500),
            "html_502": HTMLResponse(HTML, 502),
        }
        if mode in refusals:
            return refusals[mode]
        body = json.loads(await request.body())
        if "prompt" not in body:
            error = {"type": "no_prompt", "message": "No prompt provided", "details": "", "extra_info": {}}
            return JSONResponse({"error": error, "node_errors": {}}, 400)
        verdict = judge(body["prompt"], self.uploads)
        if verdict.error:
            return JSONResponse({"error": verdict.error, "node_errors": verdict.node_errors}, 400)
        extra = {**body.get("extra_data", {}), **({"client_id": body["client_id"]} if "client_id" in body else {})}
        job = Job(self._number, str(uuid.uuid4()), body["prompt"], extra, verdict.outputs, mode)
        self._number += 1
        if mode != "forgotten":
            self._queue.append(job)
            self._advance()
        if mode not in FRUITLESS:
            self.charge(mode, Charge(self.name, usd=0.0, job_id=job.id))
        if mode == "slow":
            await self.work(mode)
        if mode == "drop":
            return Dropped()
        if mode == "not_json":
            return PlainTextResponse("prompt queued")
        return JSONResponse({"prompt_id": job.id, "number": job.number, "node_errors": verdict.node_errors})

    def _advance(self) -> None:
        """Move the queue to where it stands now: jobs end ``latency`` seconds after those before them."""
        at = time.monotonic()
        while self._queue:
            job = self._queue[0]
            job.started = at if job.started is None else job.started
            if job.mode == "never_ends" or at < job.started + self.latency:
                return
            self._end(self._queue.popleft())

    def _end(self, job: Job, *, interrupted: bool = False) -> None:
        """Write the history of a job."""
        base: dict[str, Any] = {"prompt_id": job.id}
        began = round(1000 * (time.time() - self.latency))
        messages: list[Any] = [["execution_start", {**base, "timestamp": began}]]
        node = next(iter(job.graph))
        told = {**base, "node_id": node, "node_type": job.graph[node]["class_type"], "executed": []}
        outputs: dict[str, Any] = {}
        status = "success"
        if interrupted or job.mode == "interrupted":
            status = "error"
            messages.append(["execution_interrupted", told])
        elif job.mode == "job_failed":
            status = "error"
            words = {"exception_message": "mat1 and mat2 shapes cannot be multiplied", "exception_type": "RuntimeError"}
            messages.append(["execution_error", {**told, **words, "traceback": []}])
        else:
            status = "paused" if job.mode == "unknown_status" else status
            outputs = {id: {"images": [self._keep(job, id)]} for id in job.outputs if job.mode != "no_picture"}
            messages.append(["execution_success", {**base, "timestamp": began + round(1000 * self.latency)}])
        self._history[job.id] = {
            "prompt": job.entry,
            "outputs": outputs,
            "status": {"status_str": status, "completed": status == "success", "messages": messages},
            "meta": {},
        }

    def _keep(self, job: Job, output: str) -> dict[str, str]:
        inputs = job.graph[output]["inputs"]
        name = f"{inputs.get('filename_prefix', 'ComfyUI_temp')}_{len(self._pictures) + 1:05}_.png"
        self._pictures[name] = draw(job.graph, output, self.uploads, self.look)
        self._modes[name] = job.mode
        kind = "output" if job.graph[output]["class_type"] == "SaveImage" else "temp"
        return {"filename": name, "subfolder": "", "type": kind}

    async def _show_queue(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        self._advance()
        jobs = [job.entry for job in self._queue]
        return JSONResponse({"queue_running": jobs[:1], "queue_pending": jobs[1:]})

    async def _change_queue(self, request: Request) -> Response:
        from starlette.responses import Response

        self._advance()
        body = json.loads(await request.body())
        gone = {job.id for job in list(self._queue)[1:]} if body.get("clear") else set(body.get("delete", ()))
        running = list(self._queue)[:1]  # it is no longer in the queue that this changes
        self._queue = deque([*running, *(job for job in list(self._queue)[1:] if job.id not in gone)])
        return Response()

    async def _interrupt(self, request: Request) -> Response:
        from starlette.responses import Response

        self._advance()
        body = await request.body()
        wanted = json.loads(body).get("prompt_id") if body else None
        if self._queue and wanted in (None, self._queue[0].id):
            self._end(self._queue.popleft(), interrupted=True)
            self._advance()
        return Response()

    async def _show_history(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        self._advance()
        id = request.path_params["id"]
        return JSONResponse({id: self._history[id]} if id in self._history else {})

    async def _view(self, request: Request) -> Response:
        from starlette.responses import Response

        name, kind = request.query_params.get("filename", ""), request.query_params.get("type", "output")
        if not name or name.startswith(NOT_FROM_HERE[:2]) or NOT_FROM_HERE[2] in name:
            return Response(status_code=400 if name else 404)
        folder = request.query_params.get("subfolder", "")
        data = self.uploads.get(f"{folder}/{name}".lstrip("/")) if kind == "input" else self._pictures.get(name)
        mode = self._modes.get(name, "ok")
        if data is None or mode == "expired_result":
            return Response(status_code=404)
        if mode == "truncated":
            data = data[: len(data) // 2]
        announced = "text/html" if mode == "wrong_content_type" else "image/png"
        return Response(data, media_type=announced, headers={"content-disposition": f'filename="{name}"'})

    async def _upload(self, request: Request) -> Response:
        from starlette.responses import JSONResponse, Response

        async with request.form() as form:
            picture, folder = form.get("image"), str(form.get("subfolder", ""))
            if picture is None or isinstance(picture, str) or not picture.filename or ".." in folder:
                return Response(status_code=400)
            data, name = await picture.read(), picture.filename
            overwrite = form.get("overwrite") in ("true", "1")
        stem, dot, suffix = name.rpartition(".")
        number = 0
        while not overwrite and self.uploads.get(_at(folder, name), data) != data:
            number += 1
            name = f"{stem} ({number}){dot}{suffix}"
        self.uploads[_at(folder, name)] = data
        return JSONResponse({"name": name, "subfolder": folder, "type": "input"})


def _at(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
