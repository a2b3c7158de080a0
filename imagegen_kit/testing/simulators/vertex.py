"""Google's simulated Enterprise mode: ``generateContent``, Imagen's ``:predict``, Veo's long operations."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.routing import Route

from imagegen_kit.testing.simulators.film import film
from imagegen_kit.testing.simulators.google import GoogleSimulator, json_of
from imagegen_kit.testing.simulators.google_errors import Refused, no_key
from imagegen_kit.testing.simulators.google_interactions import Interactions
from imagegen_kit.testing.simulators.google_predict import read_imagen, read_veo
from imagegen_kit.testing.simulators.replies import NO_PICTURE, broken, encoded, json_reply

if TYPE_CHECKING:
    from starlette.requests import Request

    from imagegen_kit.testing.simulators.google import Answer

FILTERED = ("blocked_after", "unknown_finish")  # only pictures and films that are handed out are charged
PROJECT = "/projects/{project}/locations/{location}"


class VertexSimulator(GoogleSimulator):
    """Google's models as the Enterprise mode offers them: with a key, or with the same text as a Bearer token."""

    name: ClassVar[str] = "vertex"
    enterprise: ClassVar[bool] = True
    drawn_by: str = "pencil"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._interactions = Interactions(self)
        self._operations: dict[str, tuple[dict[str, Any], float]] = {}

    def routes(self) -> list[Route]:
        """Return the routes, with and without a project in the path."""
        verbs = {
            "generateContent": self.generate_content,
            "streamGenerateContent": self.stream_generate_content,
            "predict": self.predict,
            "predictLongRunning": self.predict_long_running,
            "fetchPredictOperation": self.fetch_predict_operation,
        }
        found = []
        for prefix in (f"/{v}{where}" for v in ("v1", "v1beta1") for where in (PROJECT, "")):
            for verb, answer in verbs.items():
                path = f"{prefix}/publishers/google/models/{{model}}:{verb}"
                found.append(Route(path, self.guarded(answer), methods=["POST"]))
            found += self._interactions.routes(prefix)
        return found

    def check_key(self, request: Request) -> None:
        """Raise Refused where there is neither the key nor the token."""
        bearer = request.headers.get("authorization", "")
        if bearer and bearer != f"Bearer {self.key}":
            raise Refused(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        if bearer:
            return
        if "x-goog-api-key" not in request.headers:
            raise no_key()
        super().check_key(request)

    async def predict(self, request: Request) -> Answer:
        """Answer Imagen's call: up to four pictures; what is refused afterwards is told for each."""
        asked = read_imagen(request.path_params["model"], await json_of(request))
        mode = await self.begin(asked.model, usd=asked.usd * asked.count, free=FILTERED)
        if response := broken(mode):
            return response
        if mode == "blocked_before":
            raise Refused(400, "The prompt could not be submitted: it may violate the usage guidelines.")
        if mode == "no_picture":
            return json_reply({})
        if mode in ("blocked_after", "unknown_finish"):
            return json_reply({"predictions": [{"raiFilteredReason": "The picture was filtered out."}] * asked.count})
        predictions = []
        for number in range(asked.count):
            seed = None if asked.seed is None else asked.seed + number
            data = await self.drawn(asked.model, asked.prompt, asked.pixels, seed, mime=asked.mime)
            mime, data = (asked.mime, data) if mode != "wrong_content_type" else ("application/pdf", NO_PICTURE)
            predictions.append({"bytesBase64Encoded": encoded(data, mode), "mimeType": mime, "prompt": asked.prompt})
        return json_reply({"predictions": predictions})

    async def predict_long_running(self, request: Request) -> Answer:
        """Take a film and name the operation."""
        model = request.path_params["model"]
        asked = read_veo(model, await json_of(request))
        mode = await self.begin(model, usd=asked.usd, later=True, free=FILTERED)
        if response := broken(mode):
            return response
        if mode == "blocked_before":
            raise Refused(400, "The prompt could not be submitted: it may violate the usage guidelines.")
        where = request.url.path.split("/", 2)[2].rpartition(":")[0]
        name = f"{where}/operations/simulated-{next(self._numbers)}"
        whole: dict[str, Any] = {"name": name, "done": True}
        if mode == "unknown_finish":
            whole["error"] = {"code": 999, "message": "The film was postponed."}
        elif mode == "blocked_after":
            reason = ["The film was filtered out."]
            whole["response"] = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": reason}
        else:
            width, height = asked.pixels
            data = await asyncio.to_thread(film, asked.prompt, width, height, asked.seconds, asked.seed or 0)
            mime, data = ("video/mp4", data) if mode != "wrong_content_type" else ("application/pdf", NO_PICTURE)
            made = {"bytesBase64Encoded": encoded(data, mode), "mimeType": mime}
            whole["response"] = {"raiMediaFilteredCount": 0, "videos": [] if mode == "no_picture" else [made]}
        self._operations[name] = whole, time.monotonic() + self.latency
        return json_reply({"name": name})

    async def fetch_predict_operation(self, request: Request) -> Answer:
        """Tell what became of an operation."""
        body = await json_of(request)
        name = body.get("operationName") if isinstance(body, dict) else None
        if not isinstance(name, str) or name not in self._operations:
            raise Refused(404, f"The operation {name} is not found.")
        whole, ready = self._operations[name]
        return json_reply(whole if time.monotonic() >= ready else {"name": name})
