"""The provider ``openai`` against the simulated OpenAI: what is sent and charged, and every failure it can play."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pydantic import SecretStr

import imagegen_kit as ik
from imagegen_kit import settings
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    ImagegenError,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from imagegen_kit.settings import Endpoint
from imagegen_kit.testing.simulators.openai import OpenAISimulator
from imagegen_kit.types import Progress, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

FLARE = "openai/gpt-image-2.5-flare"
READER = "openai/gpt-6-luna"
ONCE = ik.Policy(attempts=1, cache=False)
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer"}},
    "required": ["score"],
    "additionalProperties": False,
}


@pytest.fixture
def cloud() -> Iterator[OpenAISimulator]:
    with OpenAISimulator() as simulator:
        undo = settings.point_at({"openai": endpoint(simulator)})
        yield simulator
        undo()


def endpoint(simulator: OpenAISimulator, key: str | None = None) -> Endpoint:
    return Endpoint(simulator.base_url, SecretStr(key or simulator.key), "simulated:openai")


def picture(size: tuple[int, int] = (64, 48), mode: str = "RGB", colour: Any = "red") -> Image.Image:
    return Image.new(mode, size, colour)


async def judge(job: Any) -> Result:
    """One question about a picture, as a recipe asks it."""
    result: Result = await job.ask("score it", model=READER, references=[picture()], schema=SCHEMA, system="be strict")
    return result


def test_a_picture_comes_through_the_engine_with_its_cost(cloud: OpenAISimulator) -> None:
    made = ik.generate("a cat", model=FLARE, size=(1024, 1024), quality="low")
    (result,) = made.results
    assert made.picture.image.size == (1024, 1024)
    assert result.simulated
    assert result.usage.output_image_tokens == 196
    assert result.cost.basis == "usage"
    assert result.cost.usd == pytest.approx(196 * 30e-6 + result.usage.input_text_tokens * 5e-6)
    assert [r.path for r in cloud.ledger.requests] == ["/v1/images/generations"]
    assert len(cloud.ledger.accepted) == 1


def test_the_same_picture_is_served_from_the_cache(cloud: OpenAISimulator) -> None:
    first, second = (ik.generate("a cat", model=FLARE) for _ in range(2))
    assert first.picture == second.picture
    assert len(cloud.ledger.requests) == 1


def test_an_edit_under_a_mask_is_accepted(cloud: OpenAISimulator) -> None:
    mask = picture(mode="L", colour=255)
    ik.generate("a hat", model=FLARE, references=[picture(), picture(colour="blue")], mask=mask)
    (request,) = cloud.ledger.requests
    assert request.path == "/v1/images/edits"
    assert request.body.count(b'name="image[]"') == 2
    assert request.body.count(b'name="mask"') == 1


def test_sixteen_references_are_sent_and_no_more(cloud: OpenAISimulator) -> None:
    made = ik.generate("a hat", model=FLARE, references=[picture(colour=(i, 0, 0)) for i in range(17)])
    assert cloud.ledger.requests[0].body.count(b'name="image[]"') == 16
    assert [str(note) for note in made.results[0].adaptations] == ["references 17 → 16"]


@pytest.mark.parametrize("references", [None, [Image.new("RGB", (64, 48))]], ids=["generate", "edit"])
def test_partial_pictures_are_events_of_the_stream(cloud: OpenAISimulator, references: Any) -> None:
    given = {"references": references} if references else {}
    events = list(ik.stream(ik.recipes.image, prompt="a cat", model=FLARE, partial_images=2, **given))
    partial = [event for event in events if isinstance(event, Progress) and event.picture]
    assert len(partial) == 2
    assert all(Image.open(BytesIO(event.picture or b"")).size[0] > 0 for event in partial)
    assert len(cloud.ledger.requests) == 1


FAILURES = {
    "rate_limited": (RateLimited, False),
    "rate_limited_bare": (RateLimited, False),
    "quota": (QuotaExhausted, False),
    "unavailable": (ServiceUnavailable, False),
    "error_500": (OutcomeUnknown, None),
    "html_502": (OutcomeUnknown, None),
    "not_json": (InvalidReply, True),
    "no_picture": (NoPictureReturned, True),
    "truncated": (InvalidReply, True),
    "wrong_content_type": (InvalidReply, True),
    "unknown_finish": (NoPictureReturned, True),
    "blocked_before": (ContentBlocked, False),
    "blocked_after": (ContentBlocked, True),
    "drop": (OutcomeUnknown, None),
    "stream_error": (OutcomeUnknown, None),
}


@pytest.mark.parametrize("way", ["generate", "edit", "stream"])
@pytest.mark.parametrize("mode", FAILURES, ids=str)
def test_each_failure_is_typed_and_the_request_is_sent_once(cloud: OpenAISimulator, mode: str, way: str) -> None:
    error, paid = FAILURES[mode]
    cloud.play(mode)
    more = {"edit": {"references": picture()}, "stream": {"partial_images": 1}}.get(way, {})
    with pytest.raises(ImagegenError) as caught:
        ik.generate("a cat", model=FLARE, policy=ONCE, **more)
    assert type(caught.value) is error
    if isinstance(caught.value, ProviderError):
        assert caught.value.paid is paid
    (request,) = cloud.ledger.requests
    assert request.headers["x-stainless-retry-count"] == "0"
    assert caught.value.model == FLARE


def test_a_limit_says_how_long_to_wait_and_the_engine_tries_again(cloud: OpenAISimulator) -> None:
    cloud.play("rate_limited")
    with pytest.raises(RateLimited) as caught:
        ik.generate("a cat", model=FLARE, policy=ONCE)
    assert caught.value.retry_after == 1
    cloud.play("unavailable")
    made = ik.generate("a cat", model=FLARE, policy=ik.Policy(attempts=2, clock="simulated"))
    assert len(made.results[0].attempts) == 2


def test_a_wrong_key_says_what_to_set(cloud: OpenAISimulator) -> None:
    settings.point_at({"openai": endpoint(cloud, "sk-wrong-key")})
    with pytest.raises(AuthenticationFailed) as caught:
        ik.generate("a cat", model=FLARE)
    assert "OPENAI_API_KEY" in caught.value.message
    assert "sk-wrong-key" not in caught.value.message
    assert len(cloud.ledger.accepted) == 0


def test_a_server_that_speaks_the_api_is_reached_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAISimulator() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        made = ik.generate("a cat", model=FLARE)
        assert made.results[0].origin == server.base_url
        assert len(server.ledger.accepted) == 1


def test_a_question_with_a_picture_and_a_schema_is_answered_as_data(cloud: OpenAISimulator) -> None:
    result = ik.run(judge)
    assert isinstance(result.data["score"], int)
    assert result.usage.output_text_tokens > 0
    (request,) = cloud.ledger.requests
    assert request.path == "/v1/responses"
    assert request.json["input"][0]["content"][1]["image_url"].startswith("data:image/png;base64,")


@pytest.mark.usefixtures("own_registry")
def test_a_users_own_model_goes_through_chat_completions(cloud: OpenAISimulator, tmp_path: Any) -> None:
    own = tmp_path / "models.yaml"
    entry = {"kind": "text", "api": "chat", "as_of": "2026-11-20", "source": "our server"}
    own.write_text(json.dumps({"models": {"openai/own-reader": {**entry, "remote_name": "gpt-6-luna"}}}))
    ik.configure(catalogue=own)

    async def question(job: Any) -> Result:
        result: Result = await job.ask("hello", model="openai/own-reader")
        return result

    assert ik.run(question).text
    assert [r.path for r in cloud.ledger.requests] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("rate_limited", RateLimited),
        ("quota", QuotaExhausted),
        ("unavailable", ServiceUnavailable),
        ("html_502", OutcomeUnknown),
        ("not_json", InvalidReply),
        ("no_picture", InvalidReply),
        ("truncated", InvalidReply),
        ("blocked_before", ContentBlocked),
        ("blocked_after", ContentBlocked),
        ("unknown_finish", InvalidReply),
        ("drop", OutcomeUnknown),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_failure_of_a_question_is_typed_and_it_is_sent_once(
    cloud: OpenAISimulator, mode: str, error: type[ProviderError]
) -> None:
    cloud.play(mode)
    with pytest.raises(error) as caught:
        ik.run(judge, policy=ONCE)
    assert READER in str(caught.value)
    assert len(cloud.ledger.requests) == 1
