"""What comes back from Google, from real JSON to a reply or a typed error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.genai import types

from imagegen_kit.errors import ContentBlocked, InvalidReply, NoPictureReturned, ProviderError, RateLimited
from imagegen_kit.providers.gemini import omni, veo
from imagegen_kit.providers.gemini.answer import Answer, picture_reply, text_reply
from imagegen_kit.providers.gemini.interactions import read_interaction
from imagegen_kit.providers.gemini.reading import joined, parsed, plain_chunk, read_generated
from imagegen_kit.types import Reply, TextRequest, Usage

NAME = "gemini-2.5-flash-image"
MODEL = f"gemini/{NAME}"
DATA = base64.b64encode(b"picture").decode()
PICTURE = {"inlineData": {"mimeType": "image/png", "data": DATA}}
FULL: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "here"}, PICTURE]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {
        "promptTokenCount": 265,
        "candidatesTokenCount": 1295,
        "thoughtsTokenCount": 12,
        "totalTokenCount": 1560,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}, {"modality": "IMAGE", "tokenCount": 258}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    },
    "modelVersion": NAME,
    "responseId": "r1",
}


def read(body: dict[str, Any]) -> Reply:
    return picture_reply(read_generated(body, MODEL), MODEL, (NAME,))


def candidate(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, **more}]}


def interaction(*content: Any, **more: Any) -> dict[str, Any]:
    return {"status": "completed", "steps": [{"type": "model_output", "content": list(content)}], **more}


class TestPictures:
    def test_picture_text_and_usage_are_read(self) -> None:
        reply = read(FULL)
        assert (reply.pictures, reply.text, reply.model_used) == ((b"picture",), "here", None)
        assert reply.usage == Usage(
            input_text_tokens=7, input_image_tokens=258, output_text_tokens=5 + 12, output_image_tokens=1290
        )

    def test_the_shortest_answer_is_enough(self) -> None:
        assert read(candidate(PICTURE)) == Reply(pictures=(b"picture",))

    def test_thoughts_are_no_answer(self) -> None:
        draft = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"draft").decode()}, "thought": True}
        answer = read_generated(candidate({"text": "hm", "thought": True}, draft, PICTURE), MODEL)
        assert (answer.pictures, answer.text, answer.thoughts, answer.drafts) == (
            (b"picture",), "", ("hm",), (b"draft",),
        )  # fmt: skip

    def test_an_interaction_is_read_alike(self) -> None:
        said = {
            "total_input_tokens": 7,
            "total_output_tokens": 1120,
            "output_tokens_by_modality": [{"modality": "image", "tokens": 1120}],
        }
        body = interaction({"type": "text", "text": "ok"}, {"type": "image", "data": DATA}, usage=said, model=NAME)
        reply = picture_reply(read_interaction(body, MODEL), MODEL, (NAME,))
        usage = Usage(input_text_tokens=7, output_image_tokens=1120)
        assert reply == Reply(pictures=(b"picture",), text="ok", usage=usage)

    def test_only_what_follows_the_last_input_counts(self) -> None:
        body = interaction({"type": "image", "data": base64.b64encode(b"old").decode()})
        body["steps"] += [{"type": "user_input", "content": []}, *interaction({"type": "image", "data": DATA})["steps"]]
        assert read_interaction(body, MODEL).pictures == (b"picture",)

    @pytest.mark.parametrize(
        ("version", "used"),
        [
            (NAME, None),
            (f"models/{NAME}", None),
            (f"{NAME}-001", None),
            (f"{NAME}-preview-09-2026", None),
            (f"{NAME}-2026-09-08", None),
            ("gemini-3-pro-image", "gemini/gemini-3-pro-image"),
        ],
    )
    def test_only_another_model_is_told_as_such(self, version: str, used: str | None) -> None:
        assert read({**FULL, "modelVersion": version}).model_used == used


class TestUsage:
    def test_without_details_all_tokens_of_a_picture_are_image_tokens(self) -> None:
        reply = read({**candidate(PICTURE), "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1290}})
        assert reply.usage == Usage(input_text_tokens=5, output_image_tokens=1290)

    def test_cached_tokens_are_counted_once(self) -> None:
        said = {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "candidatesTokenCount": 10,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 70}, {"modality": "IMAGE", "tokenCount": 30}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 30}, {"modality": "IMAGE", "tokenCount": 10}],
        }
        usage = read_generated({**candidate({"text": "x"}), "usageMetadata": said}, MODEL).usage
        assert usage == Usage(
            input_text_tokens=40,
            input_image_tokens=20,
            cached_text_tokens=30,
            cached_image_tokens=10,
            output_text_tokens=10,
        )

    def test_nothing_said_is_unknown(self) -> None:
        assert read(candidate(PICTURE)).usage is None


class TestNoPicture:
    @pytest.mark.parametrize("reason", ["SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "JAILBREAK"])
    def test_a_refused_prompt_was_not_paid(self, reason: str) -> None:
        with pytest.raises(ContentBlocked, match=rf"refused the prompt \({reason}\): no\. Change") as caught:
            read({"promptFeedback": {"blockReason": reason, "blockReasonMessage": "no"}})
        assert (caught.value.paid, caught.value.retryable, caught.value.status) == (False, False, reason)

    @pytest.mark.parametrize("reason", ["IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "RECITATION", "SPII"])
    @pytest.mark.parametrize("tokens", [0, 1290])
    def test_a_refused_picture_was_paid_where_tokens_are_reported(self, reason: str, tokens: int) -> None:
        with pytest.raises(ContentBlocked) as caught:
            read({"candidates": [{"finishReason": reason}], "usageMetadata": {"candidatesTokenCount": tokens}})
        assert caught.value.paid is bool(tokens)

    @pytest.mark.parametrize("reason", ["NO_IMAGE", "IMAGE_OTHER", "OTHER", "STOP"])
    def test_an_answer_without_picture_says_what_the_model_said(self, reason: str) -> None:
        with pytest.raises(NoPictureReturned, match=rf"\({reason}\): I cannot") as caught:
            read(candidate({"text": "I cannot."}, finishReason=reason))
        assert caught.value.paid is True

    def test_an_empty_answer_leaves_open_whether_it_was_paid(self) -> None:
        with pytest.raises(NoPictureReturned) as caught:
            read(parsed("", MODEL))
        assert caught.value.paid is None

    @pytest.mark.parametrize(("said", "paid"), [({}, None), ({"candidatesTokenCount": 9}, True)])
    def test_a_reason_that_nobody_knows_is_told_as_it_is(self, said: dict[str, int], paid: bool | None) -> None:
        with pytest.raises(ProviderError, match="ended with BRAND_NEW_REASON") as caught:
            read({"candidates": [{"finishReason": "BRAND_NEW_REASON"}], "usageMetadata": said})
        assert (type(caught.value), caught.value.paid, caught.value.retryable) == (ProviderError, paid, False)

    def test_something_else_where_a_picture_was_due_is_named(self) -> None:
        with pytest.raises(InvalidReply, match="text/html"):
            read(candidate({"inlineData": {"mimeType": "text/html", "data": DATA}}, finishReason="STOP"))

    def test_base64_that_is_cut_off_is_no_picture(self) -> None:
        with pytest.raises(InvalidReply, match="not whole") as caught:
            read(candidate({"inlineData": {"mimeType": "image/png", "data": DATA[:-3]}}))
        assert caught.value.paid is True

    @pytest.mark.parametrize(
        "body",
        [{"candidates": 5}, {"candidates": [5]}, {"candidates": [{"content": {"parts": ["x"]}}]}],
        ids=["candidates", "candidate", "part"],
    )
    def test_json_of_another_form_is_an_invalid_reply(self, body: dict[str, Any]) -> None:
        with pytest.raises(InvalidReply, match="another form"):
            read(body)

    @pytest.mark.parametrize("body", ["oops", "[1]", "5"])
    def test_a_body_that_is_no_json_object_is_an_invalid_reply(self, body: str) -> None:
        with pytest.raises(InvalidReply):
            parsed(body, MODEL)

    @pytest.mark.parametrize(
        ("code", "error", "retryable"),
        [
            ("safety", ContentBlocked, False),
            ("https://ai.google.dev/errors/resource_exhausted", RateLimited, True),
            ("novelty", ProviderError, False),
        ],
    )
    def test_a_failed_interaction_is_told_by_its_code(self, code: str, error: type, retryable: bool) -> None:
        with pytest.raises(error, match="sorry") as caught:
            read_interaction({"status": "failed", "errors": [{"code": code, "message": "sorry"}], "steps": []}, MODEL)
        assert (type(caught.value), caught.value.paid, caught.value.retryable) == (error, False, retryable)

    def test_a_status_that_nobody_knows_is_told_as_it_is(self) -> None:
        with pytest.raises(ProviderError, match="ended with BUDGET_EXCEEDED"):
            picture_reply(read_interaction({"status": "budget_exceeded", "steps": []}, MODEL), MODEL, ())


class TestText:
    request = TextRequest(prompt="?", model=MODEL, schema={"type": "object"})

    def test_free_text_that_was_cut_off_says_so(self) -> None:
        request = TextRequest(prompt="x", model=MODEL)
        reply = text_reply(Answer(text="Once upon", reason="MAX_TOKENS"), request, ())
        assert [str(n) for n in reply.adaptations] == ["text whole → cut off (MAX_TOKENS)"]
        assert text_reply(Answer(text="The end.", reason="STOP"), request, ()).adaptations == ()

    def test_json_that_is_not_whole_is_an_invalid_reply(self) -> None:
        answer = read_generated(candidate({"text": '{"score": '}, finishReason="MAX_TOKENS"), MODEL)
        with pytest.raises(InvalidReply, match="It ended with MAX_TOKENS"):
            text_reply(answer, self.request, ())

    def test_the_text_is_returned_as_it_came(self) -> None:
        assert text_reply(Answer(text='{"score": 3}\n'), self.request, ()).text == '{"score": 3}\n'

    def test_no_text_is_an_invalid_reply_and_a_refusal_a_refusal(self) -> None:
        with pytest.raises(InvalidReply):
            text_reply(Answer(reason="STOP"), self.request, ())
        with pytest.raises(ContentBlocked):
            text_reply(Answer(refused="SAFETY"), self.request, ())


def test_chunks_of_a_stream_are_read_as_one_answer() -> None:
    chunks = [
        candidate({"text": "he"}),
        {**candidate({"text": "re"}, PICTURE, finishReason="STOP"), "usageMetadata": FULL["usageMetadata"]},
    ]
    as_sent = [plain_chunk(types.GenerateContentResponse.model_validate(json.loads(json.dumps(c)))) for c in chunks]
    answer = read_generated(joined(as_sent), MODEL)
    assert (answer.pictures, answer.text, answer.reason) == ((b"picture",), "here", "STOP")
    assert answer.usage == read(FULL).usage


class TestFilms:
    def test_a_film_that_is_being_made_is_none_yet(self) -> None:
        assert omni.film_reply(omni.Found({"status": "queued", "steps": []}), MODEL) is None
        assert veo.film_reply(veo.Operation(), "vertex/veo") is None

    def test_a_film_is_read_with_its_tokens(self) -> None:
        said = {"total_output_tokens": 57920, "output_tokens_by_modality": [{"modality": "video", "tokens": 57920}]}
        body = interaction({"type": "video", "mime_type": "video/mp4", "data": DATA}, usage=said)
        reply = omni.film_reply(omni.Found(body), MODEL)
        assert reply == Reply(films=(b"picture",), usage=Usage(output_video_tokens=57920))

    def test_a_film_on_a_foreign_host_is_not_fetched(self) -> None:
        body = interaction({"type": "video", "uri": "https://example.com/v1/files/abc:download?alt=media"})
        with pytest.raises(InvalidReply, match="not the service's own"):
            omni.film_reply(omni.Found(body), MODEL)

    def test_a_filtered_film_is_a_refusal(self) -> None:
        response = types.GenerateVideosResponse(rai_media_filtered_count=1, rai_media_filtered_reasons=["violence"])
        operation = veo.Operation(done=True, response=response)
        with pytest.raises(ContentBlocked, match="violence"):
            veo.film_reply(operation, "vertex/veo")

    def test_a_failed_operation_says_why(self) -> None:
        operation = veo.Operation(done=True, error={"code": 3, "message": "blocked"})
        with pytest.raises(ProviderError, match="made no film: blocked") as caught:
            veo.film_reply(operation, "vertex/veo")
        assert caught.value.paid is False
