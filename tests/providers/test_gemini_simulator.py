"""The providers ``gemini`` and ``vertex`` against the simulator that ships, and through the engine."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.base import Account
from imagegen_kit.providers.gemini.provider import GeminiProvider, VertexProvider
from imagegen_kit.testing.simulators.gemini import GeminiSimulator
from imagegen_kit.testing.simulators.vertex import VertexSimulator
from imagegen_kit.types import Accepted, ImageRequest, Reference, Reply, Size, TextRequest, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.testing.simulators.google import GoogleSimulator
    from imagegen_kit.types import Progress

MODEL = "gemini/gemini-2.5-flash-image"


class Listener:
    """Keeps what is told, on a clock whose hours pass at once."""

    def __init__(self) -> None:
        self.events: list[Accepted | Progress] = []
        self.clock = self

    async def __call__(self, event: Accepted | Progress) -> None:
        self.events.append(event)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.01)

    async def pace(self, seconds: float) -> None:
        """Nothing is simulated here."""


@pytest.fixture
def simulator() -> Iterator[GeminiSimulator]:
    with GeminiSimulator() as simulator:
        yield simulator


@pytest.fixture
def vertex() -> Iterator[VertexSimulator]:
    with VertexSimulator() as simulator:
        yield simulator


def call(simulator: GoogleSimulator, request: Any, key: str | None = None, listener: Listener | None = None) -> Reply:
    async def one() -> Reply:
        account = Account(key=SecretStr(key or simulator.key), base_url=simulator.base_url)
        provider = (VertexProvider if isinstance(simulator, VertexSimulator) else GeminiProvider)(account)
        verb = {"image": provider.generate, "text": provider.ask, "video": provider.animate}[request.kind]
        try:
            return await verb(request, listener or Listener())
        finally:
            await provider.aclose()

    return asyncio.run(one())


def ask(**more: Any) -> ImageRequest:
    return ImageRequest(prompt="a cat", model=MODEL, **more)


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


FAULTS: dict[str, tuple[type[ProviderError], bool | None]] = {
    "rate_limited": (RateLimited, False),
    "rate_limited_bare": (RateLimited, False),
    "quota": (QuotaExhausted, False),
    "unavailable": (ServiceUnavailable, False),
    "error_500": (OutcomeUnknown, None),
    "html_502": (OutcomeUnknown, None),
    "not_json": (InvalidReply, True),
    "no_picture": (NoPictureReturned, True),
    "wrong_content_type": (InvalidReply, True),
    "blocked_before": (ContentBlocked, False),
    "blocked_after": (ContentBlocked, True),  # the reply counts the tokens of the picture that was withheld
    "unknown_finish": (ProviderError, None),
    "drop": (OutcomeUnknown, None),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("mode", "expected"), FAULTS.items(), ids=FAULTS)
def test_each_mode_becomes_its_own_error_after_one_call(
    simulator: GeminiSimulator, mode: str, expected: tuple[type[ProviderError], bool | None], stream: bool
) -> None:
    simulator.play(mode)
    with pytest.raises(ProviderError) as caught:
        call(simulator, ask(options={"stream": stream}))
    assert (type(caught.value), caught.value.paid) == expected
    assert len(simulator.ledger.requests) == 1
    if mode == "rate_limited":
        assert caught.value.retry_after == 1.0


@pytest.mark.parametrize("name", ["gemini", "vertex"])
def test_a_picture_comes_in_the_form_asked_for_with_its_tokens(
    simulator: GeminiSimulator, vertex: VertexSimulator, name: str
) -> None:
    size, model = Size(ratio="16:9", resolution="1K"), f"{name}/gemini-3-pro-image"
    reply = call(
        vertex if name == "vertex" else simulator, ImageRequest(prompt="a cat", model=model, size=size, seed=3)
    )
    width, height = size_of(reply.pictures[0])
    assert width / height == pytest.approx(16 / 9, rel=0.05)
    assert reply.usage is not None
    assert reply.usage.output_image_tokens == 1120
    assert reply.model_used is None


def test_vertex_chooses_format_and_persons(vertex: VertexSimulator) -> None:
    options = {"output_format": "jpeg", "person_generation": "dont_allow"}
    reply = call(vertex, ImageRequest(prompt="a cat", model="vertex/gemini-3-pro-image", options=options))
    assert reply.pictures[0].startswith(b"\xff\xd8")
    image = vertex.ledger.submits[0].json["generationConfig"]["imageConfig"]
    assert image == {"personGeneration": "DONT_ALLOW", "imageOutputOptions": {"mimeType": "image/jpeg"}}


FILM = {"prompt": "a cat runs", "size": Size(1280, 720), "seconds": 8.0, "seed": 3}


@pytest.mark.parametrize("model", ["gemini/gemini-omni-1.2-flash", "vertex/veo-3.1-generate-001"])
class TestFilms:
    def test_a_film_between_two_frames(self, simulator: GeminiSimulator, vertex: VertexSimulator, model: str) -> None:
        frame = open_picture(Image.new("RGB", (64, 36), "red"))
        service = vertex if model.startswith("vertex") else simulator
        listener = Listener()
        request = VideoRequest(model=model, first_frame=frame, last_frame=frame, **FILM)  # type: ignore[arg-type]
        reply = call(service, request, listener=listener)
        assert b"ftyp" in reply.films[0][:16]
        assert isinstance(listener.events[0], Accepted)
        assert len(service.ledger.accepted) == 1

    @pytest.mark.parametrize(
        ("mode", "error"),
        [
            ("blocked_after", ContentBlocked),
            ("no_picture", NoPictureReturned),
            ("truncated", InvalidReply),
            ("unknown_finish", ProviderError),
            ("rate_limited", RateLimited),
            ("drop", OutcomeUnknown),
        ],
    )
    def test_each_mode_becomes_its_own_error_after_one_submit(
        self, simulator: GeminiSimulator, vertex: VertexSimulator, model: str, mode: str, error: type[ProviderError]
    ) -> None:
        service = vertex if model.startswith("vertex") else simulator
        service.play(mode)
        with pytest.raises(ProviderError) as caught:
            call(service, VideoRequest(model=model, **FILM))  # type: ignore[arg-type]
        assert type(caught.value) is error
        assert len([s for s in service.ledger.submits if "fetchPredict" not in s.path]) == 1


def test_references_are_seen_by_the_service(simulator: GeminiSimulator) -> None:
    picture = open_picture(Image.new("RGB", (64, 64), "red"))
    reply = call(simulator, ask(references=(Reference(picture, role="character", name="Mia"), Reference(picture))))
    assert reply.usage is not None
    assert reply.usage.input_image_tokens
    (sent,) = simulator.ledger.submits
    parts = sent.json["contents"][0]["parts"]
    assert [p.get("text", "picture") for p in parts] == [
        "a cat", "Reference 1 (character Mia): the next picture", "picture", "picture",
    ]  # fmt: skip


def test_a_streamed_picture_is_whole(simulator: GeminiSimulator) -> None:
    assert size_of(call(simulator, ask(options={"stream": True})).pictures[0])


def test_a_wrong_key_is_told_without_showing_it(simulator: GeminiSimulator) -> None:
    with pytest.raises(AuthenticationFailed, match="GEMINI_API_KEY") as caught:
        call(simulator, ask(), key="not-the-key")
    assert "not-the-key" not in str(caught.value)


def test_what_the_service_rejects_is_told_in_its_words(simulator: GeminiSimulator) -> None:
    request = ImageRequest(prompt="x", model="gemini/gemini-nano-banana-2.1", size=Size(ratio="1:1", resolution="512"))
    with pytest.raises(ProviderError, match="400") as caught:
        call(simulator, request)
    assert (caught.value.paid, caught.value.retryable) == (False, False)


def test_a_text_model_answers_by_schema(simulator: GeminiSimulator) -> None:
    schema = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
    reply = call(simulator, TextRequest(prompt="?", model="gemini/gemini-3.8-flash", schema=schema))
    assert reply.text is not None
    assert reply.usage is not None
    assert reply.usage.output_text_tokens


@pytest.fixture
def pointed(simulator: GeminiSimulator) -> Iterator[GeminiSimulator]:
    there = settings.Endpoint(simulator.base_url, SecretStr(simulator.key), "simulated:gemini")
    undo = settings.point_at({"gemini": there})
    yield simulator
    undo()


class TestThroughTheEngine:
    def test_a_picture_with_cost_origin_and_what_was_sent(self, pointed: GeminiSimulator) -> None:
        result = ik.generate("a cat", model=MODEL, aspect_ratio="16:9", seed=3, negative_prompt="dogs")
        (one,) = result.results
        assert (one.status, one.origin) == ("ok", "simulated:gemini")
        assert one.usage is not None
        assert one.usage.output_image_tokens == 1290
        (sent,) = pointed.ledger.submits
        assert sent.json["contents"][0]["parts"] == [{"text": "a cat\nAvoid: dogs"}]
        assert sent.json["generationConfig"]["imageConfig"]["aspectRatio"] == "16:9"
        assert sent.json["generationConfig"]["seed"] == 3

    def test_it_is_tried_again_by_the_engine_only(self, pointed: GeminiSimulator) -> None:
        pointed.play("unavailable")
        result = ik.generate("a cat", model=MODEL, policy=ik.Policy(clock="simulated"))
        assert result.results[0].status == "ok"
        assert len(pointed.ledger.submits) == 2

    @pytest.mark.parametrize(
        ("mode", "status", "error"),
        [
            ("blocked_before", "blocked", "ContentBlocked"),
            ("quota", "failed", "QuotaExhausted"),
            ("drop", "unknown", "OutcomeUnknown"),
            ("truncated", "failed", "InvalidReply"),
        ],
    )
    def test_a_failure_is_a_row_that_says_what_to_do(
        self, pointed: GeminiSimulator, mode: str, status: str, error: str
    ) -> None:
        pointed.play(mode)
        (one,) = ik.generate("a cat", model=MODEL, n=2, policy=ik.Policy(concurrency=1)).results[:1]
        assert (one.status, one.error_type) == (status, error)
        assert len(pointed.ledger.submits) == 2


def test_the_plugin_itself_loads_nothing_of_google() -> None:
    code = (
        "import sys; from imagegen_kit.providers.gemini.plugin import imagegen_providers as p; "
        "assert {s.name for s in p()} == {'gemini', 'vertex'}; "
        "print([m for m in sys.modules if m.startswith(('google.genai', 'httpx2'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
