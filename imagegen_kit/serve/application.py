"""The application: its routes, each a few lines over the engine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Body, Depends, FastAPI, Response
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request  # noqa: TC002  # FastAPI reads the annotation

from imagegen_kit import __version__
from imagegen_kit.engine.session import close_default_engine, engine_for
from imagegen_kit.errors import BudgetExceeded, ImagegenError, InvalidInput, StoreError
from imagegen_kit.serve.access import TOKEN, Gate, Refusal, holder_of
from imagegen_kit.serve.answers import answer_of, picture_of
from imagegen_kit.serve.guard import Guarded
from imagegen_kit.serve.metrics import Metrics
from imagegen_kit.serve.ordering import Ordering, named_libraries
from imagegen_kit.serve.orders import Answer, Choices, FaultTold, ImageOrder, Refused, SketchOrder
from imagegen_kit.serve.refusing import form_faults
from imagegen_kit.settings import secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from imagegen_kit.engine.engine import Engine

Responses = dict[int | str, dict[str, Any]]
PAGE = Path(__file__).with_name("page")
_BEARER = HTTPBearer(auto_error=False, description=f"One of the service's tokens ({TOKEN}); none where none is set.")
_REFUSALS: Responses = {
    status: {"model": Refused, "description": words}
    for status, words in {
        401: "No valid token was sent.", 402: "The token's budget does not allow it.", 404: "It is not there.",
        413: "The body is too large.",
        422: "What is wrong with it; nothing was sent.", 429: "Too many orders of this token are under way.",
        502: "The model failed.", 503: "The store cannot be used.",
    }.items()
}  # fmt: skip
_MAKING: Responses = {s: _REFUSALS[s] for s in (401, 402, 413, 422, 429, 502, 503)}
_LOOKING: Responses = {s: _REFUSALS[s] for s in (401, 404, 422, 503)}
RunId = Annotated[str, PathParameter(pattern="^[0-9a-z-]{1,40}$")]
Hash = Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$")]


def holder(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> str:
    """Return who calls. Raises Refusal."""
    return holder_of(sent.credentials if sent is not None else None)


Holder = Annotated[str, Depends(holder)]
AnyOrder = Annotated[SketchOrder | ImageOrder, Body()]


def create_app(*, engine: Engine | None = None, libraries: tuple[str, ...] = ()) -> Any:
    """Return the service over ``engine`` (this session's where none is given) as an ASGI application.

    ``libraries`` are folders of references that orders may name by their last part, besides "shipped".
    """
    own = engine is None
    engine = engine_for(engine)
    metrics, gate = Metrics(engine), Gate(engine)
    ordering = Ordering(engine, gate, metrics, named_libraries(libraries))
    app = FastAPI(
        title="imagegen_kit", version=__version__, docs_url=None, redoc_url=None, lifespan=_finishing if own else None
    )
    if not secrets(TOKEN):  # nobody else's page may reach it by another name of this machine
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
    app.add_middleware(Guarded, refused=metrics.refused.labels("413").inc)
    _refusals(app, metrics, ordering)

    @app.post("/generate", responses=_MAKING)
    async def generate(order: AnyOrder, who: Holder, request: Request) -> Answer:
        """Make pictures and answer when all of them are there."""
        return await ordering.answered(order, who, request)

    @app.post(
        "/generate-stream",
        responses=_MAKING | {200: {"content": {"text/event-stream": {}}}},
        response_class=StreamingResponse,
    )
    async def generate_stream(order: AnyOrder, who: Holder, request: Request) -> StreamingResponse:
        """Make pictures and tell of each as it comes: events started, picture (a Made) and finished (an Answer)."""
        return Closing(*await ordering.streamed(order, who, request))

    @app.get("/runs/{run_id}", responses=_LOOKING)
    async def run(run_id: RunId, who: Holder) -> Answer:
        """Tell what came of an order so far, also after its client has left."""
        return await run_in_threadpool(answer_of, engine, who, run_id, frozenset(ordering.under_way))

    @app.get(
        "/runs/{run_id}/pictures/{sha256}", response_class=Response,
        responses=_LOOKING | {200: {"content": {"image/*": {}}, "description": "The picture."}},
    )  # fmt: skip
    async def picture(run_id: RunId, sha256: Hash, who: Holder) -> Response:
        """Hand out the bytes of a picture of a run."""
        found = await run_in_threadpool(picture_of, engine, who, run_id, sha256)
        data = await run_in_threadpool(lambda: found.bytes)
        headers = {"Cache-Control": "private, max-age=31536000, immutable", "ETag": f'"{sha256}"'}
        return Response(data, media_type=f"image/{found.format}", headers=headers)

    @app.get("/choices", responses={401: _REFUSALS[401]})
    def choices(who: Holder) -> Choices:
        """Name the styles, models and libraries that an order may name."""
        known = engine.registry
        models = sorted(entry.id for entry in known.models() if entry.spec.kind == "image")
        return Choices(styles=sorted(known.styles()), models=models, libraries=list(ordering.libraries))

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the service answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/metrics", responses={401: _REFUSALS[401]}, response_class=PlainTextResponse)
    async def metrics_text(who: Holder) -> PlainTextResponse:
        """Tell counts in the text form of Prometheus."""
        return PlainTextResponse(await run_in_threadpool(metrics.text), media_type="text/plain; version=0.0.4")

    for path, name in (("/", "index.html"), ("/page.js", "page.js"), ("/page.css", "page.css")):
        app.get(path, include_in_schema=False)(_file(name))
    return app


class Closing(StreamingResponse):
    """Server-sent events; what they hold is let go also where the client leaves before the first."""

    def __init__(self, events: AsyncIterator[bytes], held: contextlib.AsyncExitStack) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._held = held

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._held.aclose()


@contextlib.asynccontextmanager
async def _finishing(_: FastAPI) -> AsyncIterator[None]:
    """Finish, when the server stops, what was sent to models: SIGTERM ends Python without its own endings."""
    yield
    await run_in_threadpool(close_default_engine)


def _file(name: str) -> Any:
    async def page() -> FileResponse:
        return FileResponse(PAGE / name, headers={"Cache-Control": "no-cache"})

    return page


def _refusals(app: FastAPI, metrics: Metrics, ordering: Ordering) -> None:
    """Tell every refusal in one form: which part, what is wrong with it, and what to do."""

    def told(status: int, faults: list[FaultTold], headers: Mapping[str, str] | None = None) -> JSONResponse:
        metrics.refused.labels(str(status)).inc()
        return JSONResponse(Refused(detail=faults).model_dump(), status, headers)

    @app.exception_handler(Refusal)
    async def refusal(_: Request, error: Refusal) -> JSONResponse:
        return told(error.status, [FaultTold(where=error.where, what=error.what, hint=error.hint)], error.headers)

    @app.exception_handler(HTTPException)
    async def no_order(_: Request, error: HTTPException) -> JSONResponse:
        where = "body" if error.status_code == 400 else "address"
        what = "it is no JSON that can be read." if where == "body" else f"{error.detail}."
        return told(error.status_code, [FaultTold(where=where, what=what)], error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # the input is not repeated: it may be long, and no JSON (NaN, halves of characters)
        faults = form_faults(error.errors(), error.body, request.headers.get("content-type", ""))
        if isinstance(error.body, dict):
            faults += await run_in_threadpool(ordering.also_wrong, error.body, faults)
        return told(422, [FaultTold(where=f.where, what=f.what, hint=f.hint) for f in faults])

    @app.exception_handler(ImagegenError)
    async def failed(_: Request, error: ImagegenError) -> JSONResponse:
        if isinstance(error, InvalidInput):
            return told(422, [FaultTold(where=f.where, what=f.what, hint=f.hint) for f in error.faults])
        status = 402 if isinstance(error, BudgetExceeded) else 503 if isinstance(error, StoreError) else 502
        return told(status, [FaultTold(where=type(error).__name__, what=error.message)])
