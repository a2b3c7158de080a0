"""A small service that takes jobs, and a provider of it that keeps the whole contract."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from imagegen_kit import providers as kit
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    RequestTimeout,
)
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.faults import http_fault, transport_fault, unreadable
from imagegen_kit.providers.transport import Clients
from imagegen_kit.testing.simulators.ledger import Charge
from imagegen_kit.testing.simulators.modes import MODES
from imagegen_kit.testing.simulators.server import Dropped, Simulator


def drawn(words: object, width: int = 64, height: int = 64, format: str = "png") -> bytes:
    shade = tuple(hashlib.sha256(repr(words).encode()).digest()[:3])
    out = io.BytesIO()
    Image.new("RGB", (width, height), shade).save(out, format.upper())
    return out.getvalue()


class ToyService(Simulator):
    """POST /pictures takes a job, GET /pictures/{id} tells of it, GET /pictures/{id}/file is the picture."""

    name = "toy"
    prefix = "/v1"
    modes: Mapping[str, str] = {**MODES, "job_failed": "the job fails", "never_ends": "the job never ends"}

    def routes(self) -> list[Any]:
        from starlette.routing import Route

        self.jobs: dict[str, tuple[str, bytes]] = {}
        return [
            Route("/v1/pictures", self.submit, methods=["POST"]),
            Route("/v1/pictures/{id}", self.tell, methods=["GET"]),
            Route("/v1/pictures/{id}", self.stop_job, methods=["DELETE"]),
            Route("/v1/pictures/{id}/file", self.file, methods=["GET"]),
        ]

    async def submit(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse

        if request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "this key is not known"}, 401)
        asked, mode = await request.json(), self.next_mode()
        refusals = {
            "rate_limited": JSONResponse({"error": "slow down"}, 429, {"retry-after": "1"}),
            "rate_limited_bare": JSONResponse({"error": "slow down"}, 429),
            "quota": JSONResponse({"error": "no credit is left"}, 402),
            "unavailable": JSONResponse({"error": "come back later"}, 503),
            "error_500": JSONResponse({"error": "it broke"}, 500),
            "html_502": HTMLResponse("<h1>bad gateway</h1>", 502),
            "blocked_before": JSONResponse({"error": "this prompt is refused", "code": "refused"}, 422),
        }
        if mode in refusals:
            return refusals[mode]
        data = drawn(sorted(asked.items()), asked["width"], asked["height"], asked.get("format", "png"))
        id = f"job-{len(self.jobs)}"
        self.jobs[id] = (mode, data)
        self.charge(mode, Charge("one", usd=0.01, job_id=id))
        await self.work(mode)
        if mode == "drop":
            return Dropped()
        if mode == "not_json":
            return PlainTextResponse("OK!")
        return JSONResponse({"id": id}, 202)

    async def tell(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        mode = self.jobs[request.path_params["id"]][0]
        ends = {
            "job_failed": "failed",
            "never_ends": "running",
            "blocked_after": "refused",
            "unknown_finish": "shelved",
        }
        told = {"status": ends.get(mode, "done"), "usd": 0.01}
        return JSONResponse(told if mode == "no_picture" else {**told, "file": "ready"})

    async def file(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse, Response

        mode, data = self.jobs[request.path_params["id"]]
        if mode == "wrong_content_type":
            return HTMLResponse("<h1>your picture</h1>")
        return Response(data[: len(data) // 2] if mode == "truncated" else data, media_type="image/png")

    async def stop_job(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse({"stopped": request.path_params["id"]})


CAN = kit.Capabilities(
    sizes=((64, 64), (96, 64)), default_side=64, references=2, mask=True, negative_prompt=True, seed=True,
    qualities=("low", "high"), formats=("png", "webp"), options={"brush": "what to paint with"},
    choices={"brush": ("oil", "chalk")}, resumable=True,
)  # fmt: skip
SPEC = kit.ProviderSpec(
    "toy",
    models=(kit.ModelSpec("one", can=CAN, card="The one model of the toy service.", price=kit.Price(0.01)),),
    target="tests.testing.contract_toy:Toy",
    key_env=("TOY_KEY",),
    key_url="https://toy.example/keys",
    base_url="https://toy.example/v1",
)


class Toy:
    """A provider that keeps the contract. Its parts are methods, so that a broken one differs in one of them."""

    def __init__(self, account: kit.Account) -> None:
        self.account = account
        self.clients: Clients[Any] = Clients(lambda http: http, lambda http: http.aclose())

    async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        body = await asyncio.to_thread(self.body, request)
        job_id = await self.submit(request, body)
        await self.name_job(job_id, on_progress)
        return await self.finished(job_id, request, on_progress)

    async def collect(self, job_id: str, request: Any, on_progress: kit.OnProgress) -> kit.Reply:
        return await self.finished(job_id, request, on_progress)

    async def cancel(self, job_id: str) -> None:
        await self.http("DELETE", f"/pictures/{job_id}", "toy/one")

    async def aclose(self) -> None:
        await self.clients.aclose()

    def body(self, request: kit.ImageRequest) -> dict[str, Any]:
        width, height = request.size.pixels(64) if request.size else (64, 64)
        body: dict[str, Any] = {"prompt": request.prompt, "width": width, "height": height}
        body |= {"seed": request.seed, "avoid": request.negative_prompt, "quality": request.quality}
        body |= {"brush": request.options.get("brush"), "format": request.options.get("output_format", "png")}
        body["references"] = [self.coded(r.picture) for r in request.references]
        body["mask"] = self.coded(request.mask) if request.mask else None
        return body

    def coded(self, picture: Any) -> str:
        return base64.b64encode(open_picture(picture).bytes).decode()

    def headers(self, model: str) -> dict[str, str]:
        if self.account.key is None:
            raise AuthenticationFailed(f"{model} needs a key: set TOY_KEY", model=model)
        return {"authorization": f"Bearer {self.account.key.get_secret_value()}"}

    async def submit(self, request: kit.ImageRequest, body: dict[str, Any]) -> str:
        answer = await self.http("POST", "/pictures", request.model, json=body)
        return str(self.data(answer, request.model)["id"])

    async def name_job(self, job_id: str, on_progress: kit.OnProgress) -> None:
        await on_progress(kit.Accepted(job_id))

    async def http(self, method: str, path: str, model: str, **more: Any) -> Any:
        import httpx2

        headers = self.headers(model)
        try:
            async with self.clients.one() as http:
                answer = await http.request(method, f"{self.account.base_url}{path}", headers=headers, **more)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self.lost(error, model) from None
        if answer.status_code >= 400:
            raise self.refusal(answer, model)
        return answer

    def lost(self, error: Exception, model: str) -> Exception:
        return transport_fault(error, model=model)

    def refusal(self, answer: Any, model: str) -> Exception:
        try:
            said = answer.json()
        except ValueError:
            said = {}
        if said.get("code") == "refused":
            return ContentBlocked(f"{model}: {said['error']}. Change the prompt.", model=model)
        return http_fault(answer.status_code, said.get("error", ""), model=model, headers=answer.headers)

    def data(self, answer: Any, model: str) -> dict[str, Any]:
        try:
            return dict(answer.json())
        except ValueError:
            raise unreadable("the service answered with text that is no JSON", model=model) from None

    async def look(self, path: str, model: str) -> Any:
        try:
            return await self.http("GET", path, model)
        except ProviderError as error:
            error.paid, error.retryable = None, False
            raise

    async def finished(self, job_id: str, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        for look in range(20):
            told = self.data(await self.look(f"/pictures/{job_id}", request.model), request.model)
            if told["status"] != "running":
                break
            await on_progress(kit.Progress(look / 20, "painting"))
            await on_progress.clock.sleep(2)
        else:
            raise RequestTimeout(f"{request.model}: {job_id} is still running after 40 s", model=request.model)
        return await self.reply(told, job_id, request)

    async def reply(self, told: dict[str, Any], job_id: str, request: kit.ImageRequest) -> kit.Reply:
        if told["status"] == "refused":
            raise ContentBlocked(f"{request.model} refused the picture it made", paid=True, model=request.model)
        if told["status"] != "done":
            raise OutcomeUnknown(f"{request.model}: {job_id} ended as {told['status']}", model=request.model)
        if "file" not in told:
            raise NoPictureReturned(f"{request.model}: {job_id} is done and has no picture", model=request.model)
        answer = await self.look(f"/pictures/{job_id}/file", request.model)
        return kit.Reply(pictures=(answer.content,), cost_usd=told["usd"], timings={"wait": 0.0})
