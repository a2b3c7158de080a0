"""The provider ``openai`` over real HTTP, against a server that answers what each test says."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import sys
import threading
import traceback
from contextlib import suppress
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    InvalidReply,
    MissingDependency,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    ServiceUnavailable,
)
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers import Account
from imagegen_kit.providers.openai.provider import OpenAIProvider
from imagegen_kit.registry import get_registry
from imagegen_kit.types import ImageRequest, Progress, Reference, Size, TextRequest

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

KEY = "sk-very-secret"
DRAW = ImageRequest(prompt="draw", model="openai/painter")
PARTIALS = ImageRequest(prompt="draw", model="openai/painter", options={"partial_images": 2})
ASK = TextRequest(prompt="what?", model="openai/reader")


def png(colour: str = "red", size: tuple[int, int] = (8, 6)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


B64 = base64.b64encode(png()).decode()
PICTURE = {"created": 1, "data": [{"b64_json": B64}]}
USAGE = {"input_tokens": 9, "input_tokens_details": {"text_tokens": 9, "image_tokens": 0}, "output_tokens": 196}


class Server:
    """Gives every request the answer that was set, and remembers what came and over how many connections."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections: set[Any] = set()
        self._lock = threading.Lock()
        self.together: threading.Barrier | None = None
        self.answers(PICTURE)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.answer(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Threads(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *args: object) -> None:
                """Clients of these tests leave early."""

        self._server = Threads(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def answers(self, body: object, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.status, self.kind = status, kind
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.drops = False

    def streams(self, *events: object) -> None:
        """Answer with events; bytes among them are sent as they are."""
        lines = (e if isinstance(e, bytes) else f"data: {json.dumps(e)}\n\n".encode() for e in events)
        self.answers(b"".join(lines), kind="text/event-stream; charset=utf-8")

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self.requests.append((handler.path, {n.lower(): v for n, v in handler.headers.items()}, body))
            self.connections.add(handler.client_address)
        if self.together is not None:
            self.together.wait(60)
        if self.status == 0:
            handler.close_connection = True
            return
        handler.send_response(self.status)
        handler.send_header("Content-Type", self.kind)
        handler.send_header("Content-Length", str(len(self.body) + (100 if self.drops else 0)))
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)
        handler.close_connection = self.drops

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


class Failing:
    """What listens to a provider and fails."""

    async def __call__(self, told: object) -> None:
        raise LookupError("the listener fails")


class Sink(list[Any]):
    """Collects what a provider tells on its way."""

    clock: Any = None

    async def __call__(self, event: object) -> None:
        self.append(event)


def call(
    server: Server, request: ImageRequest | TextRequest, sink: Sink | None = None, key: str | None = KEY, **more: Any
) -> Any:
    """Return the reply of one call by a fresh provider."""
    provider = OpenAIProvider(Account(key=SecretStr(key) if key else None, base_url=server.url, **more))

    async def once() -> Any:
        verb: Any = provider.generate if isinstance(request, ImageRequest) else provider.ask
        try:
            return await verb(request, sink if sink is not None else Sink())
        finally:
            await provider.aclose()

    return asyncio.run(once())


def fails(server: Server, request: ImageRequest | TextRequest, **more: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call(server, request, **more)
    return caught.value


def parts_of(server: Server) -> list[tuple[str, str | None, str | None, bytes]]:
    """Return name, file name, media type and bytes of each part of the only request."""
    ((_, headers, body),) = server.requests
    head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part["content-type"],
            bytes(part.get_payload(decode=True)),  # type: ignore[arg-type]
        )
        for part in form.iter_parts()  # type: ignore[attr-defined]
    ]


def test_a_picture_is_asked_for_as_the_sdk_was_captured_to_ask(server: Server) -> None:
    options = {"background": "opaque", "moderation": "low", "output_format": "png", "safety_identifier": "h"}
    request = ImageRequest(prompt="draw", model="openai/painter", size=Size(1536, 864), quality="low", options=options)
    assert call(server, request).pictures == (png(),)
    ((path, headers, body),) = server.requests
    assert path == "/v1/images/generations"
    assert json.loads(body) == {"model": "painter", "prompt": "draw", "size": "1536x864", "quality": "low", **options}
    expected = {
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "content-type": "application/json",
        "x-stainless-retry-count": "0",
    }
    assert {name: headers.get(name) for name in expected} == expected
    assert "openai-organization" not in headers


def test_organization_and_project_are_sent_where_they_are_set(server: Server) -> None:
    call(server, DRAW, settings={"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"})
    _, headers, _ = server.requests[0]
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


def test_an_edit_is_asked_for_as_the_sdk_was_captured_to_ask(server: Server) -> None:
    references = tuple(Reference(open_picture(png(colour))) for colour in ("red", "green"))
    mask = Image.new("L", (8, 6), 255)
    request = ImageRequest(
        prompt="draw", model="openai/painter", size=Size(1024, 1024), quality="low", references=references,
        mask=open_picture(mask), options={"background": "opaque", "moderation": "low", "input_fidelity": "high"},
    )  # fmt: skip
    call(server, request)
    assert server.requests[0][0] == "/v1/images/edits"
    parts = parts_of(server)
    assert [(name, value.decode()) for name, file, _, value in parts if file is None] == [
        ("prompt", "draw"),
        ("background", "opaque"),
        ("input_fidelity", "high"),
        ("model", "painter"),
        ("quality", "low"),
        ("size", "1024x1024"),
        ("moderation", "low"),
    ]
    files = [part for part in parts if part[1] is not None]
    assert [part[:3] for part in files] == [
        ("image[]", "image-1.png", "image/png"),
        ("image[]", "image-2.png", "image/png"),
        ("mask", "mask.png", "image/png"),
    ]
    assert [part[3] for part in files[:2]] == [png("red"), png("green")]
    assert Image.open(BytesIO(files[2][3])).getchannel("A").getextrema() == (0, 0)
    assert parts.index(files[0]) == len(parts) - 3, "text fields come first"


def test_a_single_reference_is_a_single_part(server: Server) -> None:
    call(server, ImageRequest(prompt="draw", model="openai/painter", references=(Reference(open_picture(png())),)))
    assert [part[:3] for part in parts_of(server) if part[1]] == [("image", "image-1.png", "image/png")]


def test_partial_pictures_arrive_on_the_way_and_can_be_opened(server: Server) -> None:
    server.streams(
        {"type": "image_generation.partial_image", "b64_json": B64, "partial_image_index": 0},
        {"type": "image_generation.partial_image", "b64_json": "not base64", "partial_image_index": 1},
        {"type": "a.kind.of.next.year"},
        "neither",
        {"type": "image_generation.completed", "b64_json": base64.b64encode(png("blue")).decode(), "usage": USAGE},
        {"type": "image_generation.partial_image", "b64_json": B64, "partial_image_index": 1},
    )
    sink = Sink()
    reply = call(server, PARTIALS, sink)
    assert sink == [Progress(pytest.approx(1 / 3), "partial picture 1 of 2", png())]
    assert reply.pictures == (png("blue"),)
    assert reply.usage.output_image_tokens == 196
    assert json.loads(server.requests[0][2]) == {
        "model": "painter",
        "prompt": "draw",
        "partial_images": 2,
        "stream": True,
    }


def test_partial_pictures_of_an_edit_arrive_too(server: Server) -> None:
    server.streams(
        {"type": "image_edit.partial_image", "b64_json": B64, "partial_image_index": 0},
        {"type": "image_edit.completed", "b64_json": B64},
    )
    sink = Sink()
    references = (Reference(open_picture(png())),)
    call(server, ImageRequest(prompt="x", model="openai/p", references=references, options={"partial_images": 1}), sink)
    assert [event.picture for event in sink] == [png()]
    assert [(n, v) for n, _, _, v in parts_of(server) if n in ("stream", "partial_images")] == [
        ("partial_images", b"1"),
        ("stream", b"true"),
    ]


def test_a_server_that_does_not_stream_is_understood_all_the_same(server: Server) -> None:
    assert call(server, PARTIALS).pictures == (png(),)


@pytest.mark.parametrize(
    ("events", "error", "paid"),
    [
        ([{"error": {"code": "moderation_blocked", "message": "no"}}], ContentBlocked, False),
        ([{"type": "error", "code": "moderation_blocked", "message": "no"}], ContentBlocked, False),
        ([{"error": {"code": "server_error", "message": "oh"}}], OutcomeUnknown, None),
        ([{"error": {"code": "rate_limit_exceeded", "message": "slow"}}], RateLimited, False),
        ([{"type": "image_generation.partial_image", "b64_json": B64}], NoPictureReturned, True),
        ([], NoPictureReturned, True),
        ([b"data: {half\n\n"], InvalidReply, True),
        ([b"data: \xff\n\n"], InvalidReply, True),
        ([{"type": "image_generation.completed", "b64_json": "cut"}], InvalidReply, True),
        ([{"type": "image_generation.completed"}], NoPictureReturned, True),
    ],
    ids=["blocked", "error-event", "error", "limit", "partials-only", "empty", "json", "utf8", "base64", "no-picture"],
)
def test_a_stream_that_fails_is_a_typed_error(
    server: Server, events: list[object], error: type[ProviderError], paid: bool | None
) -> None:
    server.streams(*events)
    fault = fails(server, PARTIALS)
    assert (type(fault), fault.paid) == (error, paid)
    assert len(server.requests) == 1


@pytest.mark.parametrize("after", ["completed", "error", "a sink that fails"])
def test_no_reader_of_a_stream_is_left_in_the_middle(server: Server, after: str) -> None:
    partial = {"type": "image_generation.partial_image", "b64_json": B64, "partial_image_index": 0}
    last = {"error": {"code": "server_error"}} if after == "error" else {"type": "x.completed", "b64_json": B64}
    server.streams(partial, last, partial)
    provider = OpenAIProvider(Account(key=SecretStr(KEY), base_url=server.url))

    async def left() -> list[str]:
        gc.collect()
        gc.disable()  # so that nothing but the provider itself can have finished them
        with suppress(ProviderError, LookupError):
            await provider.generate(PARTIALS, Failing() if after == "a sink that fails" else Sink())
        readers = [g for g in gc.get_objects() if type(g) is AsyncGeneratorType and g.ag_frame is not None]
        gc.enable()
        await provider.aclose()
        return [g.__qualname__ for g in readers if "site-packages" in g.ag_code.co_filename]

    assert asyncio.run(left()) == []
    assert len(server.requests) == 1


def test_a_stream_that_breaks_off_may_have_been_paid(server: Server) -> None:
    server.streams({"type": "image_generation.partial_image", "b64_json": B64})
    server.drops = True
    assert type(fails(server, PARTIALS)) is OutcomeUnknown


def test_a_picture_that_is_whole_survives_a_broken_connection(server: Server) -> None:
    server.streams({"type": "image_generation.completed", "b64_json": B64})
    server.drops = True
    assert call(server, PARTIALS).pictures == (png(),)


@pytest.mark.parametrize(
    ("status", "body", "kind", "error", "paid"),
    [
        (200, {}, "application/json", NoPictureReturned, True),
        (200, b"<html>hello</html>", "text/html", InvalidReply, True),
        (200, b"hello", "application/json", InvalidReply, True),
        (200, PICTURE, "text/plain", None, None),
        (400, {"error": {"code": "moderation_blocked", "message": "no"}}, "application/json", ContentBlocked, False),
        (401, {"error": {"code": "invalid_api_key", "message": "x"}}, "application/json", AuthenticationFailed, False),
        (404, b"<html>nginx</html>", "text/html", ProviderError, False),
        (429, {"error": {"code": "rate_limit_exceeded"}}, "application/json", RateLimited, False),
        (500, {"error": {"message": "oh"}}, "application/json", OutcomeUnknown, None),
        (502, b"<html>bad gateway</html>", "text/html", OutcomeUnknown, None),
        (503, {"detail": "busy"}, "application/json", ServiceUnavailable, False),
        (302, b"", "text/html", ProviderError, False),
        (0, b"", "", OutcomeUnknown, None),
    ],
    ids=[
        *("no-data", "html", "not-json", "json-as-text", "blocked", "key", "no-such-path", "limit", "error", "gateway"),
        *("busy", "redirect", "dropped"),
    ],
)
def test_each_failure_is_typed_and_the_request_is_sent_once(
    server: Server, status: int, body: object, kind: str, error: type[ProviderError] | None, paid: bool | None
) -> None:
    server.answers(body, status, kind)
    if error is None:
        assert call(server, DRAW).pictures == (png(),)
    else:
        fault = fails(server, DRAW)
        assert (type(fault), fault.paid, fault.model) == (error, paid, "openai/painter")
        assert "<html>" not in fault.message
    assert len(server.requests) == 1


def test_a_wrong_key_names_the_variable_and_where_to_get_one(server: Server) -> None:
    server.answers({"error": {"code": "invalid_api_key", "message": f"Incorrect API key provided: {KEY}."}}, 401)
    message = fails(server, DRAW).message
    assert "OPENAI_API_KEY" in message
    assert "https://platform.openai.com/api-keys" in message


def test_an_address_without_the_version_is_explained(server: Server) -> None:
    server.answers({"detail": "Not Found"}, 404)
    assert "OPENAI_BASE_URL" in fails(server, DRAW).message


def test_the_wait_that_a_service_asks_for_is_told(server: Server) -> None:
    server.answers({"error": {"code": "rate_limit_exceeded"}}, 429, retry_after="3")
    assert fails(server, DRAW).retry_after == 3
    server.answers(PICTURE, x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="1m30s")
    assert call(server, DRAW).rest_s == 90


@pytest.mark.parametrize("key", [None, "", "sk-very-secret\n", "sk very secret", "sk-very-sécret"], ids=repr)
def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(server: Server, key: str | None) -> None:
    fault = fails(server, DRAW, key=key)
    assert type(fault) is AuthenticationFailed
    assert "OPENAI_API_KEY" in fault.message
    assert server.requests == []


@pytest.mark.parametrize("case", ["wrong-key", "dropped", "line-end"])
def test_the_key_is_in_no_traceback_and_no_repr(server: Server, case: str) -> None:
    key = KEY + "\n" if case == "line-end" else KEY
    if case == "wrong-key":
        server.answers({"error": {"code": "invalid_api_key", "message": f"Incorrect API key provided: {KEY}."}}, 401)
    elif case == "dropped":
        server.answers(b"", status=0)
    fault = fails(server, DRAW, key=key)
    shown = "".join(traceback.format_exception(fault))
    chained: BaseException | None = fault
    while chained is not None:
        shown += f"{chained!r} {chained} {vars(chained)}"
        chained = chained.__cause__ or chained.__context__
    assert "very-secret" not in shown
    provider = OpenAIProvider(Account(key=SecretStr(KEY), base_url=server.url))
    assert "very-secret" not in repr(provider) + repr(provider.account) + repr(vars(provider))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:9/v1", ServiceUnavailable),
        ("127.0.0.1:9/v1", ProviderError),
        ("ftp://127.0.0.1/v1", ProviderError),
        ("http://localhost:port/v1", ProviderError),
    ],
    ids=["nobody", "no-scheme", "scheme", "port"],
)
def test_an_address_where_nobody_answers_is_an_unpaid_failure(server: Server, url: str, error: type[Any]) -> None:
    server.url = url
    fault = fails(server, DRAW)
    assert (type(fault), fault.paid) == (error, False)


def test_eighty_calls_at_once_use_two_clients_and_keep_their_connections(server: Server) -> None:
    server.together = threading.Barrier(80)  # no answer before all eighty are there
    provider = OpenAIProvider(Account(key=SecretStr(KEY), base_url=server.url))

    async def eighty() -> list[Any]:
        tasks: list[Coroutine[Any, Any, Any]] = [provider.generate(DRAW, Sink()) for _ in range(80)]
        return await asyncio.gather(*tasks)

    async def twice() -> None:
        try:
            for _ in range(2):
                replies = await eighty()
                assert all(reply.pictures == (png(),) for reply in replies)
                assert len(provider._clients._open) == 2  # of at most 64 connections each
        finally:
            await provider.aclose()

    asyncio.run(twice())
    assert len(server.requests) == 160
    assert len(server.connections) == 80


def test_a_question_with_a_picture_and_a_schema_goes_through_the_responses_api(server: Server) -> None:
    answer = {"type": "message", "content": [{"type": "output_text", "text": '{"score": 4}'}]}
    usage = {"input_tokens": 20, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 6}
    server.answers({"status": "completed", "model": "reader", "output": [answer], "usage": usage})
    schema = {"type": "object", "properties": {"score": {"type": "number"}}}
    request = TextRequest(
        prompt="score it", model="openai/reader", schema=schema, references=(Reference(open_picture(png())),),
        options={"temperature": 0, "an_option_of_next_year": 1},
    )  # fmt: skip
    reply = call(server, request)
    assert reply.text == '{"score": 4}'
    assert (reply.usage.input_text_tokens, reply.usage.cached_text_tokens, reply.usage.output_text_tokens) == (15, 5, 6)
    ((path, headers, body),) = server.requests
    sent = json.loads(body)
    assert (path, headers["x-stainless-retry-count"]) == ("/v1/responses", "0")
    assert sent["input"][0]["content"][1]["image_url"] == f"data:image/png;base64,{B64}"
    assert sent["text"]["format"] == {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}
    assert (sent["temperature"], sent["an_option_of_next_year"], sent["store"]) == (0, 1, False)


def test_a_question_that_is_refused_is_told_from_one_that_failed(server: Server) -> None:
    server.answers({"status": "completed", "output": [{"content": [{"type": "refusal", "refusal": "no"}]}]})
    assert type(fails(server, ASK)) is ContentBlocked
    server.answers({"status": "failed", "error": {"code": "server_error", "message": "oh"}})
    assert type(fails(server, ASK)) is OutcomeUnknown
    server.answers({"error": {"code": "insufficient_quota", "message": "no credit"}}, 429)
    assert type(fails(server, ASK)).__name__ == "QuotaExhausted"


def test_a_users_own_model_goes_through_chat_completions(server: Server, tmp_path: Path) -> None:
    entry = {"kind": "text", "api": "chat", "remote_name": "local-7b", "as_of": "2026-11-20", "source": "our server"}
    own = tmp_path / "models.yaml"
    own.write_text(json.dumps({"models": {"openai/own-reader": entry}}))
    ik.configure(catalogue=own)
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    message = {"role": "assistant", "content": "hello"}
    server.answers({"model": "local-7b", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})
    reply = call(server, TextRequest(prompt="hi", model="openai/own-reader", system="be kind"))
    assert (reply.text, reply.model_used, reply.usage.input_text_tokens) == ("hello", None, 3)
    ((path, _, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert json.loads(body) == {
        "model": "local-7b",
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}],
    }


def test_without_the_sdk_the_error_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "imagegen_kit.providers.openai.provider")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingDependency) as caught:
        get_registry().provider_target("openai")
    assert "pip install openai" in caught.value.message
