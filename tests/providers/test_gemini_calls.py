"""The providers ``gemini`` and ``vertex`` over real HTTP, against a service that answers what each test says."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import socket
import threading
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from PIL import Image
from pydantic import SecretStr
from starlette.responses import Response
from starlette.routing import Route

from imagegen_kit import settings
from imagegen_kit.errors import (
    AuthenticationFailed,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.providers.base import Account
from imagegen_kit.providers.gemini import clients
from imagegen_kit.providers.gemini.provider import GeminiProvider, VertexProvider
from imagegen_kit.providers.transport import certificates
from imagegen_kit.testing.simulators.server import Dropped, Simulator
from imagegen_kit.types import (
    Accepted,
    ImageRequest,
    Progress,
    Reference,
    Reply,
    Size,
    TextRequest,
    VideoRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.requests import Request

KEY = "a-key-that-nobody-may-see"
MODEL = "gemini/gemini-2.5-flash-image"
CATALOGUE = """
models:
  gemini/by-interactions: {kind: image, api: interactions, as_of: "2026-11-20", source: this test}
  gemini/omni: {kind: video, api: interactions, as_of: "2026-11-20", source: this test}
  vertex/veo: {kind: video, api: predict_long_running, as_of: "2026-11-20", source: this test}
"""


def png(color: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, "PNG")
    return file.getvalue()


DATA = base64.b64encode(png()).decode()
PICTURE = {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": DATA}}]}}]}
INTERACTION = {"status": "completed", "steps": [{"type": "model_output", "content": [{"type": "image", "data": DATA}]}]}
FILM = b"\0\0\0\x18ftypisom"
DONE = {
    "status": "completed",
    "steps": [{"type": "model_output", "content": [{"type": "video", "data": base64.b64encode(FILM).decode()}]}],
}


class Answers(Simulator):
    """Gives each request the next of the answers that were set, the last one again and again."""

    name: ClassVar[str] = "google"

    def __init__(self) -> None:
        super().__init__()
        self.next: deque[Any] = deque([PICTURE])

    def routes(self) -> list[Any]:
        return [Route("/{path:path}", self.answer, methods=["GET", "POST"])]

    def set(self, *answers: Any) -> None:
        self.next = deque(answers)

    async def answer(self, request: Request) -> Any:
        await asyncio.sleep(self.latency)
        answer = self.next.popleft() if len(self.next) > 1 else self.next[0]
        if answer == "drop":
            return Dropped()
        status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
        return Response(body, status, headers)


class Listener:
    """What is told while a call is under way, on a clock whose hours pass at once."""

    def __init__(self) -> None:
        self.events: list[Accepted | Progress] = []
        self.waited: list[float] = []
        self.clock = self

    async def __call__(self, event: Accepted | Progress) -> None:
        self.events.append(event)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def pace(self, seconds: float) -> None:
        """Nothing is simulated here."""


@pytest.fixture
def service() -> Iterator[Answers]:
    with Answers() as service:
        yield service


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the models of these tests to the catalogue, as a user does."""
    path = tmp_path / "models.yaml"
    path.write_text(CATALOGUE)
    monkeypatch.setenv("IMAGEGEN_CATALOGUE", str(path))


def call(
    service: Answers | None,
    request: Any,
    *,
    provider: type[GeminiProvider] = GeminiProvider,
    listener: Any = None,
    **account: Any,
) -> Reply:
    account = {"key": SecretStr(KEY), "base_url": service and service.base_url, **account}

    async def one() -> Reply:
        made = provider(Account(**account))
        verb = {"image": made.generate, "text": made.ask, "video": made.animate}[request.kind]
        try:
            return await verb(request, listener or Listener())
        finally:
            await made.aclose()

    return asyncio.run(one())


def ask(model: str = MODEL, **more: Any) -> ImageRequest:
    return ImageRequest(prompt="draw", model=model, **more)


GENERATED, INTERACTING = ask(), ask("gemini/by-interactions")
STREAMED = ask(options={"stream": True})
WAYS = pytest.mark.parametrize(
    "request_", [GENERATED, STREAMED, INTERACTING], ids=["generate_content", "stream", "interactions"]
)


class TestWhatIsSent:
    def test_generate_content_equals_the_captured_request(self, service: Answers) -> None:
        red = Picture.from_bytes(png())
        request = ask(
            references=(Reference(red), Reference(red)),
            size=Size(ratio="16:9", resolution="1K"),
            seed=7,
            options={"temperature": 0.5, "safety": {"sexually_explicit": "BLOCK_LOW_AND_ABOVE"}, "thinking": "minimal"},
        )
        assert call(service, request).pictures == (png(),)
        (sent,) = service.ledger.requests
        assert (sent.method, sent.path) == ("POST", "/v1/models/gemini-2.5-flash-image:generateContent")
        assert sent.headers["x-goog-api-key"] == KEY
        assert sent.headers["content-type"] == "application/json"
        assert sent.headers["user-agent"].startswith("google-genai-sdk/")
        url_safe = DATA.replace("+", "-").replace(
            "/", "_"
        )  # what the SDK sends here; interactions take the other alphabet
        inline = {"inlineData": {"data": url_safe, "mime_type": "image/png"}}
        assert sent.json == {
            "contents": [{"parts": [{"text": "draw"}, inline, inline], "role": "user"}],
            "safetySettings": [{"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "BLOCK_LOW_AND_ABOVE"}],
            "generationConfig": {
                "temperature": 0.5,
                "seed": 7,
                "responseModalities": ["IMAGE"],
                "thinkingConfig": {"thinking_level": "MINIMAL"},
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "1K"},
            },
        }

    def test_interactions_equal_the_captured_request(self, service: Answers) -> None:
        service.set(INTERACTION)
        red = Reference(Picture.from_bytes(png()))
        request = ask("gemini/by-interactions", references=(red,), size=Size(ratio="16:9", resolution="2K"), seed=3)
        assert call(service, request).pictures == (png(),)
        (sent,) = service.ledger.requests
        assert (sent.method, sent.path, sent.headers["x-goog-api-key"]) == ("POST", "/v1/interactions", KEY)
        content = [{"text": "draw", "type": "text"}, {"data": DATA, "mime_type": "image/png", "type": "image"}]
        assert sent.json == {
            "model": "by-interactions",
            "generation_config": {"seed": 3},
            "input": [{"content": content, "type": "user_input"}],
            "response_format": {"aspect_ratio": "16:9", "image_size": "2K", "type": "image"},
            "store": False,
        }

    def test_vertex_with_a_key_needs_no_project(self, service: Answers) -> None:
        call(service, ask("vertex/m"), provider=VertexProvider, settings={"GOOGLE_CLOUD_LOCATION": "us-central1"})
        (sent,) = service.ledger.requests
        assert sent.path == "/v1beta1/publishers/google/models/m:generateContent"
        assert sent.headers["x-goog-api-key"] == KEY

    def test_the_environment_cannot_change_what_the_account_says(
        self, service: Answers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
            monkeypatch.setenv(name, "other")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
        with caplog.at_level(logging.WARNING):
            call(service, ask())
            call(service, ask("vertex/m"), provider=VertexProvider)
        assert [(r.path.split("/")[1], r.headers["x-goog-api-key"]) for r in service.ledger.requests] == [
            ("v1", KEY), ("v1beta1", KEY),
        ]  # fmt: skip
        assert caplog.messages == []


class TestText:
    def test_an_answer_by_schema_about_a_picture(self, service: Answers) -> None:
        said = {"promptTokenCount": 9, "candidatesTokenCount": 3}
        service.set({"candidates": [{"content": {"parts": [{"text": '{"n": 1}'}]}}], "usageMetadata": said})
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        references = (Reference(Picture.from_bytes(png())),)
        request = TextRequest(
            prompt="count", model="gemini/t", system="Be brief.", schema=schema, references=references
        )
        reply = call(service, request)
        assert (reply.text, reply.pictures) == ('{"n": 1}', ())
        assert reply.usage is not None
        assert (reply.usage.input_text_tokens, reply.usage.output_text_tokens) == (9, 3)
        (sent,) = service.ledger.requests
        assert sent.json["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert sent.json["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}
        assert [next(iter(p)) for p in sent.json["contents"][0]["parts"]] == ["text", "inlineData"]


class TestProgress:
    def test_a_stream_tells_words_thoughts_and_drafts_and_returns_the_picture(self, service: Answers) -> None:
        draft = {
            "inlineData": {"mimeType": "image/png", "data": base64.b64encode(png("blue")).decode()},
            "thought": True,
        }
        chunks: list[Any] = [
            {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, draft]}}]},
            {"candidates": [{"content": {"parts": [{"text": "here"}]}}]},
            {**PICTURE, "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 1290}},
        ]
        body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
        service.set((200, {"content-type": "text/event-stream"}, body))
        listener = Listener()
        reply = call(service, ask(options={"stream": True, "thoughts": True}), listener=listener)
        assert (reply.pictures, reply.text) == ((png(),), "here")
        assert reply.usage is not None
        assert reply.usage.output_image_tokens == 1290
        assert listener.events == [
            Progress(text="hm"), Progress(text="draft", picture=png("blue")), Progress(text="here"),
        ]  # fmt: skip
        (sent,) = service.ledger.requests
        assert (sent.path.rpartition(":")[2], sent.query) == ("streamGenerateContent", "alt=sse")

    def test_a_stream_that_breaks_off_may_have_been_paid(self, service: Answers) -> None:
        error = {"error": {"code": 503, "message": f"overloaded {KEY}", "status": "UNAVAILABLE"}}
        chunk = {"candidates": [{"content": {"parts": [{"text": "here"}]}}]}
        body = b"".join(b"data: " + json.dumps(c).encode() + b"\r\n\r\n" for c in (chunk, error))
        service.set((200, {"content-type": "text/event-stream"}, body))
        with pytest.raises(OutcomeUnknown, match="broke off in the middle") as caught:
            call(service, STREAMED)
        assert caught.value.paid is None
        assert KEY not in "".join(traceback.format_exception(caught.value))


def google_error(code: int, status: str, *details: Mapping[str, Any], message: str = "sorry") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31s"}
PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "100"}],
}
PER_MINUTE = {**PER_DAY, "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject", "quotaValue": "10"}]}
LIMIT_ZERO = {**PER_DAY, "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject", "quotaValue": "0"}]}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
BILLING = {**BAD_KEY, "reason": "BILLING_DISABLED"}
EXHAUSTED = "RESOURCE_EXHAUSTED"
# name: (answer, error, paid, retryable, retry_after)
FAULTS: dict[str, tuple[Any, type[ProviderError], bool | None, bool, float | None]] = {
    "429 with a header": (
        (429, {"retry-after": "2"}, google_error(429, EXHAUSTED, RETRY)),
        RateLimited,
        False,
        True,
        2,
    ),
    "429 with RetryInfo": ((429, {}, google_error(429, EXHAUSTED, PER_MINUTE, RETRY)), RateLimited, False, True, 31),
    "429 bare": ((429, {}, google_error(429, EXHAUSTED)), RateLimited, False, True, None),
    "quota of a day": ((429, {}, google_error(429, EXHAUSTED, PER_DAY)), QuotaExhausted, False, False, None),
    "quota of zero": ((429, {}, google_error(429, EXHAUSTED, LIMIT_ZERO)), QuotaExhausted, False, False, None),
    "no billing": ((403, {}, google_error(403, "PERMISSION_DENIED", BILLING)), QuotaExhausted, False, False, None),
    "wrong key": ((400, {}, google_error(400, "INVALID_ARGUMENT", BAD_KEY)), AuthenticationFailed, False, False, None),
    "401": ((401, {}, google_error(401, "UNAUTHENTICATED")), AuthenticationFailed, False, False, None),
    "403": ((403, {}, google_error(403, "PERMISSION_DENIED")), AuthenticationFailed, False, False, None),
    "bad request": ((400, {}, google_error(400, "INVALID_ARGUMENT")), ProviderError, False, False, None),
    "unknown model": ((404, {}, google_error(404, "NOT_FOUND")), ProviderError, False, False, None),
    "503": ((503, {}, google_error(503, "UNAVAILABLE")), ServiceUnavailable, False, True, None),
    "500": ((500, {}, google_error(500, "INTERNAL")), OutcomeUnknown, None, False, None),
    "504": ((504, {}, google_error(504, "DEADLINE_EXCEEDED")), OutcomeUnknown, None, False, None),
    "HTML 502": ((502, {"content-type": "text/html"}, b"<html><h1>Bad"), OutcomeUnknown, None, False, None),
    "moved": ((302, {"location": "https://example.com/"}, b""), ProviderError, False, False, None),
    "not JSON": ((200, {"content-type": "text/plain"}, b"oops"), InvalidReply, True, False, None),
    "dropped": ("drop", OutcomeUnknown, None, False, None),
}


class TestFaults:
    @pytest.mark.parametrize(("answer", "error", "paid", "retryable", "retry_after"), FAULTS.values(), ids=FAULTS)
    @WAYS
    def test_each_becomes_its_own_error_after_one_call(
        self, service: Answers, request_: ImageRequest, answer: Any, error: type[ProviderError], paid: bool | None,
        retryable: bool, retry_after: float | None,
    ) -> None:  # fmt: skip
        service.set(answer)
        with pytest.raises(ProviderError) as caught:
            call(service, request_)
        fault = caught.value
        assert (type(fault), fault.paid, fault.retryable, fault.retry_after) == (error, paid, retryable, retry_after)
        assert fault.message.startswith(request_.model)
        assert "<html" not in fault.message
        assert len(service.ledger.requests) == 1

    @pytest.mark.parametrize("request_", [GENERATED, INTERACTING], ids=["generate_content", "interactions"])
    def test_an_empty_answer_has_no_picture(self, service: Answers, request_: ImageRequest) -> None:
        service.set({})
        with pytest.raises(NoPictureReturned):
            call(service, request_)
        assert len(service.ledger.requests) == 1

    @pytest.mark.parametrize(
        ("provider", "variable"), [(GeminiProvider, "GEMINI_API_KEY"), (VertexProvider, "VERTEX_API_KEY")]
    )
    def test_a_wrong_key_names_the_variable(
        self, service: Answers, provider: type[GeminiProvider], variable: str
    ) -> None:
        service.set((400, {}, google_error(400, "INVALID_ARGUMENT", BAD_KEY)))
        with pytest.raises(AuthenticationFailed, match=variable):
            call(service, ask(f"{provider.name}/m"), provider=provider)

    @WAYS
    def test_a_service_that_is_not_there_was_not_paid(self, request_: ImageRequest) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers here
            with pytest.raises(ServiceUnavailable) as caught:
                call(None, request_, base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert (caught.value.paid, caught.value.retryable) == (False, True)

    @pytest.mark.parametrize("provider", [GeminiProvider, VertexProvider])
    def test_without_a_key_it_is_told_what_to_set(self, service: Answers, provider: type[GeminiProvider]) -> None:
        with pytest.raises(AuthenticationFailed, match="_API_KEY"):
            call(service, ask(f"{provider.name}/m"), provider=provider, key=None)
        assert service.ledger.requests == []

    @WAYS
    @pytest.mark.parametrize("answer", [a for a, *_ in FAULTS.values()], ids=FAULTS)
    def test_the_key_is_nowhere_to_be_seen(self, service: Answers, request_: ImageRequest, answer: Any) -> None:
        if isinstance(answer, tuple) and isinstance(answer[2], dict):  # a service that repeats the key in its words
            answer = (*answer[:2], {"error": {**answer[2]["error"], "message": f"bad key {KEY}"}})
        service.set(answer)
        with pytest.raises(ProviderError) as caught:
            call(service, request_)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
        assert KEY not in shown


class TestContinuation:
    def test_a_picture_is_never_continued_by_a_second_paid_call(self, service: Answers) -> None:
        body = {**INTERACTION, "id": "v1", "status": "requires_continuation", "continuation_token": "more"}
        service.set(body)
        call(service, INTERACTING)
        service.set({"candidates": [{"finishReason": "CONTINUATION"}], "continuationToken": "bW9yZQ=="})
        for request in (GENERATED, STREAMED):
            with pytest.raises(ProviderError):
                call(service, request)
        assert len(service.ledger.requests) == 3


class TestManyAtOnce:
    def test_eighty_calls_share_clients_of_at_most_64_connections(self, service: Answers) -> None:
        async def all_at_once() -> None:
            provider = GeminiProvider(Account(key=SecretStr(KEY), base_url=service.base_url))
            await asyncio.gather(*(provider.generate(ask(), Listener()) for _ in range(80)))
            assert len(provider._clients._open) == 2
            await provider.aclose()

        service.latency = 0.3
        asyncio.run(all_at_once())
        assert len(service.ledger.requests) == 80

    def test_two_providers_on_two_loops_do_not_meet(self, service: Answers) -> None:
        found: list[Any] = []
        service.latency = 0.05

        def work() -> None:
            for request in (GENERATED, ask()):
                try:
                    found.append(call(service, request).pictures)
                except BaseException as error:  # a thread of its own would hide it
                    found.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found.count((png(),)) == 4


class TestFilms:
    def test_omni_names_its_job_before_it_is_looked_up(self, service: Answers) -> None:
        running = {"id": "v1_v", "status": "in_progress", "steps": []}
        service.set(running, running, {**DONE, "id": "v1_v"})
        listener = Listener()
        request = VideoRequest(prompt="run", model="gemini/omni", first_frame=Picture.from_bytes(png()), seconds=8)
        assert call(service, request, listener=listener).films == (FILM,)
        assert listener.events == [Accepted("v1_v"), Progress(text="the film is being made")]
        assert [(r.method, r.path, r.query) for r in service.ledger.requests] == [
            ("POST", "/v1/interactions", ""),
            ("GET", "/v1/interactions/v1_v", "stream=false"),
            ("GET", "/v1/interactions/v1_v", "stream=false"),
        ]
        sent = service.ledger.requests[0].json
        assert (sent["background"], sent["response_format"]) == (True, {"type": "video", "duration": "8s"})
        assert sent["generation_config"] == {"video_config": {"task": "image_to_video"}}

    def test_a_film_at_an_address_of_the_service_is_fetched(self, service: Answers) -> None:
        uri = "https://generativelanguage.googleapis.com/v1/files/abc:download?alt=media"
        steps = [{"type": "model_output", "content": [{"type": "video", "uri": uri}]}]
        service.set({"id": "v1_v", "status": "queued"}, {"status": "completed", "steps": steps}, (200, {}, FILM))
        assert call(service, VideoRequest(prompt="run", model="gemini/omni")).films == (FILM,)
        assert service.ledger.requests[-1].path == "/v1/files/abc:download"

    def test_veo_is_polled_by_the_name_of_its_operation(self, service: Answers) -> None:
        name = "projects/p/locations/l/publishers/google/models/veo/operations/op-1"
        film = {"bytesBase64Encoded": base64.b64encode(FILM).decode(), "mimeType": "video/mp4"}
        service.set({"name": name}, {"name": name}, {"name": name, "done": True, "response": {"videos": [film]}})
        listener = Listener()
        request = VideoRequest(prompt="run", model="vertex/veo", seconds=8, seed=3, size=Size(1280, 720))
        assert call(service, request, provider=VertexProvider, listener=listener).films == (FILM,)
        assert listener.events[0] == Accepted(name)
        submit, *polls = service.ledger.requests
        assert submit.path == "/v1beta1/publishers/google/models/veo:predictLongRunning"
        assert submit.json == {
            "instances": [{"prompt": "run"}],
            "parameters": {
                "sampleCount": 1, "durationSeconds": 8, "seed": 3, "aspectRatio": "16:9", "resolution": "720p",
            },
        }  # fmt: skip
        assert [(p.path.rpartition(":")[2], p.json) for p in polls] == [
            ("fetchPredictOperation", {"operationName": name})
        ] * 2

    def test_a_job_is_collected_after_a_restart_without_another_submit(self, service: Answers) -> None:
        service.set(DONE)

        async def collect() -> Reply:
            provider = GeminiProvider(Account(key=SecretStr(KEY), base_url=service.base_url))
            try:
                return await provider.collect("v1_v", VideoRequest(prompt="run", model="gemini/omni"), Listener())
            finally:
                await provider.aclose()

        assert asyncio.run(collect()).films == (FILM,)
        assert [r.method for r in service.ledger.requests] == ["GET"]

    def test_polls_that_fail_for_a_while_lose_nothing(self, service: Answers) -> None:
        unwell = [(503, {}, {}), (429, {"retry-after": "40"}, {}), (502, {}, b"<html>"), (200, {}, b"oops")]
        service.set({"id": "v1_v", "status": "queued"}, *unwell, DONE)
        listener = Listener()
        assert call(service, VideoRequest(prompt="run", model="gemini/omni"), listener=listener).films == (FILM,)
        assert [r.method for r in service.ledger.requests].count("POST") == 1
        assert 40.0 in listener.waited

    @pytest.mark.parametrize(("answer", "polls"), [((503, {}, {}), 5), ((401, {}, {}), 1)], ids=["503", "401"])
    def test_a_job_that_cannot_be_looked_at_may_have_been_paid(self, service: Answers, answer: Any, polls: int) -> None:
        service.set({"id": "v1_v", "status": "queued"}, answer)
        with pytest.raises(OutcomeUnknown, match="took the job") as caught:
            call(service, VideoRequest(prompt="run", model="gemini/omni"))
        assert (caught.value.paid, len(service.ledger.requests)) == (None, 1 + polls)


class TestClients:
    @pytest.mark.parametrize(
        ("location", "address"),
        [
            ("global", "https://aiplatform.googleapis.com"),
            ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ],
    )
    def test_a_location_has_its_own_address(self, location: str, address: str) -> None:
        assert clients.regional(location) == address

    def test_a_project_alone_means_the_login_of_this_machine(self) -> None:
        async def opened() -> tuple[Any, ...]:
            import httpx2

            account = Account(
                key=SecretStr("my-project"),
                base_url="https://aiplatform.googleapis.com",
                settings={"GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_CLOUD_LOCATION": "us-central1"},
            )
            made = clients.open_enterprise(account, httpx2.AsyncClient())
            api = made.sdk._api_client
            found = (api.project, api.location, api.api_key, api._http_options.base_url)
            await clients.close(made)
            return found

        expected = ("my-project", "us-central1", None, "https://us-central1-aiplatform.googleapis.com")
        assert asyncio.run(opened()) == expected

    def test_the_sdk_reads_no_certificates_of_its_own(self) -> None:
        async def opened() -> list[Any]:
            import httpx2

            made = clients.open_developer(Account(key=SecretStr("mine")), httpx2.AsyncClient(verify=certificates()))
            api = made.sdk._api_client
            found = [api._websocket_ssl_ctx["ssl"], api._async_httpx_client_args["verify"]]
            await clients.close(made)
            return found

        assert all(one is certificates() for one in asyncio.run(opened()))

    def test_settings_decide_which_key_an_account_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from imagegen_kit.providers.accounts import account_of, not_ready
        from imagegen_kit.providers.gemini.plugin import imagegen_providers

        specs = {spec.name: spec for spec in imagegen_providers()}
        for name in {n for spec in specs.values() for n in (*spec.key_env, *spec.settings_env)}:
            monkeypatch.delenv(name, raising=False)
        assert not_ready(specs["gemini"]) == (
            "set GEMINI_API_KEY or GOOGLE_API_KEY (get one at https://aistudio.google.com/apikey)"
        )
        settings.configure(keys={"GOOGLE_API_KEY": "other", "GEMINI_API_KEY": "mine"})
        key = account_of(specs["gemini"]).key
        assert key is not None
        assert key.get_secret_value() == "mine"
