"""What OpenAI's answers mean: pictures, usage, texts, rate limits and error codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
)
from imagegen_kit.providers.openai.errors import stated_fault
from imagegen_kit.providers.openai.headers import rest_asked, seconds
from imagegen_kit.providers.openai.replies import image_reply, image_usage, read_body, text_usage
from imagegen_kit.providers.openai.texts import chat_reply, response_reply
from imagegen_kit.types import TextRequest, Usage

MODEL = "openai/painter"
READER = ModelSpec("reader")
QUESTION = TextRequest(prompt="score it", model="openai/reader")
SCHEMA_QUESTION = TextRequest(prompt="score it", model="openai/reader", schema={"type": "object"})


def test_a_picture_and_its_usage_are_read() -> None:
    body = {
        "created": 1,
        "data": [{"b64_json": "aGVsbG8="}],
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
            "output_tokens": 272,
            "output_tokens_details": {"image_tokens": 272, "text_tokens": 0},
            "total_tokens": 322,
        },
    }
    reply = image_reply(body, model=MODEL)
    assert reply.pictures == (b"hello",)
    assert reply.usage == Usage(
        input_text_tokens=10, input_image_tokens=40, output_text_tokens=0, output_image_tokens=272
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("many", None),
        ({"input_tokens": 9, "output_tokens": 196}, Usage(input_text_tokens=9, output_image_tokens=196)),
        (
            {"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40, "cached_tokens": 30}},
            Usage(input_text_tokens=0, input_image_tokens=20, cached_text_tokens=10, cached_image_tokens=20),
        ),
        (
            {
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
                "cached_tokens_details": {"cached_text_tokens": 4, "cached_image_tokens": 32},
            },
            Usage(input_text_tokens=6, input_image_tokens=8, cached_text_tokens=4, cached_image_tokens=32),
        ),
        ({"input_tokens": -1, "output_tokens": True}, Usage()),
    ],
    ids=["none", "text", "totals", "cached", "cached-apart", "nonsense"],
)
def test_usage_is_read_in_parts_that_do_not_overlap(usage: Any, expected: Usage | None) -> None:
    assert image_usage(usage) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 20},
            Usage(input_text_tokens=40, cached_text_tokens=60, output_text_tokens=20),
        ),
        (
            {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens": 20},
            Usage(input_text_tokens=40, cached_text_tokens=60, output_text_tokens=20),
        ),
        ({"prompt_tokens": 7, "completion_tokens": 2}, Usage(input_text_tokens=7, output_text_tokens=2)),
        (None, None),
    ],
    ids=["responses", "chat", "chat-least", "none"],
)
def test_usage_of_text_is_read_from_either_api(usage: Any, expected: Usage | None) -> None:
    assert text_usage(usage) == expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, NoPictureReturned),
        ({"data": None}, NoPictureReturned),
        ({"data": []}, NoPictureReturned),
        ({"data": [{}]}, NoPictureReturned),
        ({"data": [None]}, NoPictureReturned),
        ({"data": [{"url": "https://elsewhere/1.png"}]}, InvalidReply),
        ({"data": [{"b64_json": "aGVsbG8"}]}, InvalidReply),
        ({"data": [{"b64_json": "é"}]}, InvalidReply),
        ({"data": [{"b64_json": 5}]}, InvalidReply),
    ],
    ids=["empty", "null", "no-items", "item-empty", "item-null", "address", "cut", "letters", "number"],
)
def test_an_answer_without_a_sound_picture_is_a_paid_failure(body: dict[str, Any], error: type[ProviderError]) -> None:
    with pytest.raises(error) as caught:
        image_reply(body, model=MODEL)
    assert caught.value.paid is True
    assert MODEL in caught.value.message


@pytest.mark.parametrize("data", [b"", b"<html>", b"[1]", b'"text"', b"\xff", b"[" * 99_999], ids=range(6))
def test_an_answer_that_is_no_json_object_cannot_be_read(data: bytes) -> None:
    with pytest.raises(InvalidReply):
        read_body(data, model=MODEL)


def test_an_error_that_comes_with_status_200_is_the_error_that_it_states() -> None:
    body = json.dumps({"error": {"code": "moderation_blocked", "message": "no"}}).encode()
    with pytest.raises(ContentBlocked):
        read_body(body, model=MODEL)


def message(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": "completed", "output": [{"type": "message", "content": list(parts)}], **more}


def test_the_text_of_a_response_is_joined_and_its_thoughts_left_out() -> None:
    body = message({"type": "output_text", "text": "4 "}, {"type": "output_text", "text": "of 5"}, model="reader")
    body["output"].insert(0, {"type": "reasoning", "summary": []})
    reply = response_reply(body, QUESTION, READER)
    assert (reply.text, reply.model_used, reply.adaptations) == ("4 of 5", None, ())


@pytest.mark.parametrize(
    ("named", "used"),
    [("reader", None), ("reader-2026-08-01", None), ("reader-mini", "openai/reader-mini"), (None, None)],
    ids=str,
)
def test_another_model_that_answers_is_told_and_a_dated_snapshot_is_the_same(
    named: str | None, used: str | None
) -> None:
    assert response_reply(message({"text": "yes"}, model=named), QUESTION, READER).model_used == used


@pytest.mark.parametrize(
    ("body", "error", "paid"),
    [
        (message({"type": "refusal", "refusal": "I will not"}), ContentBlocked, True),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, ContentBlocked, True),
        ({"status": "completed", "output": []}, InvalidReply, True),
        ({}, InvalidReply, True),
        ({"status": "failed"}, ProviderError, None),
        (
            message({"text": '{"a'}, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            InvalidReply,
            True,
        ),
    ],
    ids=["refusal", "filter", "no-text", "empty", "failed", "half-json"],
)
def test_a_response_without_an_answer_is_a_typed_failure(
    body: dict[str, Any], error: type[ProviderError], paid: bool | None
) -> None:
    with pytest.raises(error) as caught:
        response_reply(body, SCHEMA_QUESTION, READER)
    assert caught.value.paid is paid


def test_a_text_that_was_cut_off_says_so() -> None:
    body = message({"text": "four of"}, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    reply = response_reply(body, QUESTION, READER)
    assert reply.text == "four of"
    assert [str(note) for note in reply.adaptations] == ["text whole → cut off (max_output_tokens)"]


def choice(content: Any, finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **more}, "finish_reason": finish_reason}]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (choice("yes"), "yes"),
        (choice([{"type": "text", "text": "y"}, {"type": "text", "text": "es"}]), "yes"),
        (choice("yes", "a reason of next year"), "yes"),
        (choice("ye", "length"), "ye"),
    ],
    ids=["text", "parts", "unknown-reason", "cut"],
)
def test_the_text_of_a_chat_is_read(body: dict[str, Any], text: str) -> None:
    assert chat_reply(body, QUESTION, READER).text == text


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (choice(None, refusal="I will not"), ContentBlocked),
        (choice("", "content_filter"), ContentBlocked),
        (choice(None), InvalidReply),
        (choice('{"a', "length"), InvalidReply),
        ({"choices": []}, InvalidReply),
        ({"choices": None}, InvalidReply),
        ({"choices": [{"message": "text"}]}, InvalidReply),
    ],
    ids=["refusal", "filter", "null", "half-json", "no-choice", "choices-null", "odd-message"],
)
def test_a_chat_without_an_answer_is_a_typed_failure(body: dict[str, Any], error: type[ProviderError]) -> None:
    with pytest.raises(error):
        chat_reply(body, SCHEMA_QUESTION, READER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("12", 12.0),
        ("17µs", 17e-6),
        ("soon", None),
        ("1s later", None),
        ("", None),
    ],
    ids=str,
)
def test_a_reset_time_is_read_in_seconds(text: str, expected: float | None) -> None:
    assert seconds(text) == (pytest.approx(expected) if expected is not None else None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}, 1.0),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            360.0,
        ),
    ],
    ids=["silent", "some-left", "none-left", "no-reset", "both"],
)
def test_an_account_rests_only_when_nothing_is_left_to_it(headers: dict[str, str], expected: float | None) -> None:
    assert rest_asked(headers) == expected


@pytest.mark.parametrize(
    ("status", "code", "error", "paid", "retryable"),
    [
        (400, "moderation_blocked", ContentBlocked, False, False),
        (400, "content_policy_violation", ContentBlocked, False, False),
        (400, "invalid_value", ProviderError, False, False),
        (401, "invalid_api_key", AuthenticationFailed, False, False),
        (403, "unsupported_country", AuthenticationFailed, False, False),
        (404, "model_not_found", ProviderError, False, False),
        (408, None, RequestTimeout, None, False),
        (409, None, ProviderError, False, False),
        (422, None, ProviderError, False, False),
        (429, "insufficient_quota", QuotaExhausted, False, False),
        (400, "billing_hard_limit_reached", QuotaExhausted, False, False),
        (429, "rate_limit_exceeded", RateLimited, False, True),
        (429, None, RateLimited, False, True),
        (500, "server_error", OutcomeUnknown, None, False),
        (502, None, OutcomeUnknown, None, False),
        (503, None, ServiceUnavailable, False, True),
        (None, "moderation_blocked", ContentBlocked, False, False),
        (None, "rate_limit_exceeded", RateLimited, False, True),
        (None, "server_error", OutcomeUnknown, None, False),
    ],
    ids=str,
)
def test_each_code_becomes_its_error(
    status: int | None, code: str | None, error: type[ProviderError], paid: bool | None, retryable: bool
) -> None:
    fault = stated_fault({"code": code, "message": "the service's words"}, model=MODEL, status=status)
    assert (type(fault), fault.paid, fault.retryable) == (error, paid, retryable)
    assert MODEL in fault.message
    assert "the service's words" in fault.message


@pytest.mark.parametrize(("stage", "paid"), [("input", False), ("unknown", False), ("output", True)], ids=str)
def test_a_picture_that_was_refused_after_it_was_made_counts_as_paid(stage: str, paid: bool) -> None:
    said = {"code": "moderation_blocked", "message": "no", "moderation_details": {"moderation_stage": stage}}
    assert stated_fault(said, model=MODEL, status=400).paid is paid


def test_a_code_that_stands_in_the_type_counts_too() -> None:
    fault = stated_fault({"type": "insufficient_quota", "message": "no credit"}, model=MODEL, status=429)
    assert isinstance(fault, QuotaExhausted)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"}, 20.0),
        ({}, None),
    ],
    ids=["seconds", "milliseconds", "rate-limit", "silent"],
)
def test_a_rate_limit_says_how_long_to_wait(headers: dict[str, str], wait: float | None) -> None:
    fault = stated_fault({"code": "rate_limit_exceeded"}, model=MODEL, status=429, headers=headers)
    assert fault.retry_after == wait


def test_a_service_that_asks_for_no_further_try_gets_none() -> None:
    fault = stated_fault({}, model=MODEL, status=503, headers={"x-should-retry": "false"})
    assert fault.retryable is False
