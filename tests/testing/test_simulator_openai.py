"""The simulated OpenAI, driven by the openai SDK itself; requests that it would never send go by hand."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from PIL import Image

from imagegen_kit.providers.transport import certificates  # read once: to read them takes 50 ms a client
from imagegen_kit.testing.simulators import OpenAISimulator
from imagegen_kit.testing.simulators.drawing import draw, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FLARE, TEXT = "gpt-image-2.5-flare", "gpt-6-luna"
CUP = ("cup.png", draw("a cup", 96, 64), "image/png")
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["score"],
    "additionalProperties": False,
}


def mask_of(width: int, height: int, mode: str = "RGBA") -> tuple[str, bytes, str]:
    """A mask whose left half is transparent: there the picture may change."""
    image = Image.new(mode, (width, height), "black")
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, "PNG")
    return ("mask.png", out.getvalue(), "image/png")


@pytest.fixture
def simulator() -> Iterator[OpenAISimulator]:
    with OpenAISimulator() as simulator:
        yield simulator


@pytest.fixture
def client(simulator: OpenAISimulator) -> Iterator[openai.OpenAI]:
    http = httpx2.Client(verify=certificates())
    with openai.OpenAI(api_key=simulator.key, base_url=simulator.base_url, max_retries=0, http_client=http) as client:
        yield client


def picture_in(item: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(item.b64_json)))


def post(simulator: OpenAISimulator, path: str, body: Any = None, **more: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {simulator.key}"}
    if body is not None:
        more["content"] = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(f"{simulator.base_url}{path}", headers=headers, verify=certificates(), **more)


# ---- pictures ----------------------------------------------------------------------------------------------------


def test_the_recorded_request_is_the_captured_one(simulator: OpenAISimulator, client: openai.OpenAI) -> None:
    """Fact sheet 4.3."""
    sent = {
        "model": FLARE,
        "prompt": "draw",
        "background": "opaque",
        "moderation": "low",
        "n": 2,
        "output_format": "png",
        "quality": "low",
        "safety_identifier": "h",
        "size": "1536x864",
    }
    raw = client.images.with_raw_response.generate(**sent)
    (request,) = simulator.ledger.requests
    assert (request.method, request.path, request.json) == ("POST", "/v1/images/generations", sent)
    assert request.headers["authorization"] == f"Bearer {simulator.key}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["x-stainless-retry-count"] == "0"
    assert request.headers["x-stainless-read-timeout"] == "600"
    answer = raw.parse()
    assert raw.request_id == "req_simulated1"
    assert raw.headers["x-ratelimit-remaining-requests"] == "499"
    assert [picture_in(item).size for item in answer.data] == [(1536, 864)] * 2
    assert answer.data[0].b64_json != answer.data[1].b64_json
    assert (answer.background, answer.output_format, answer.quality, answer.size) == (
        "opaque",
        "png",
        "low",
        "1536x864",
    )


@pytest.mark.parametrize(
    ("model", "quality", "size", "tokens"),
    [
        (FLARE, "low", "1024x1024", 196),
        (FLARE, "medium", "1024x1536", 342),
        (FLARE, "max", "1024x1024", 7024),
        (FLARE, "low", "3840x2160", 372),
        ("gpt-image-2", "medium", "1024x1024", 1756),
        ("gpt-image-1.5", "high", "1024x1024", 4160),
    ],
)
def test_the_tokens_of_a_picture_follow_model_quality_and_size(
    client: openai.OpenAI, model: str, quality: str, size: str, tokens: int
) -> None:
    """Fact sheet 8.3, within one token of what the price lists come to."""
    usage = client.images.generate(model=model, prompt="a cup of tea", quality=quality, size=size).usage
    assert usage.output_tokens == pytest.approx(tokens, abs=1)
    assert (usage.input_tokens_details.text_tokens, usage.input_tokens_details.image_tokens) == (4, 0)
    assert usage.total_tokens == usage.output_tokens + 4


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_the_format_is_the_one_asked_for(client: openai.OpenAI, format: str) -> None:
    (item,) = client.images.generate(model=FLARE, prompt="a cup", output_format=format).data
    assert picture_in(item).format == format.upper()


def test_a_transparent_background_has_an_alpha_channel(client: openai.OpenAI) -> None:
    (item,) = client.images.generate(model=FLARE, prompt="a cup", background="transparent").data
    assert picture_in(item).getpixel((0, 0))[3] == 0


def test_an_edit_is_recorded_as_captured(simulator: OpenAISimulator, client: openai.OpenAI) -> None:
    """Fact sheet 4.3: texts first, then every picture of a list as image[]; a single one as image."""
    answer = client.images.edit(model=FLARE, prompt="edit", image=[CUP, CUP], mask=mask_of(96, 64), size="1024x1536")
    client.images.edit(model=FLARE, prompt="edit", image=CUP)
    several, single = simulator.ledger.requests
    assert several.path == "/v1/images/edits"
    assert several.headers["content-type"].startswith("multipart/form-data; boundary=")
    names = [part.split(b'"')[1] for part in several.body.split(b"Content-Disposition")[1:]]
    assert names == [b"prompt", b"model", b"size", b"image[]", b"image[]", b"mask"]
    assert b'name="image[]"; filename="cup.png"\r\nContent-Type: image/png\r\n' in several.body
    assert b'name="image"; filename="cup.png"' in single.body
    assert [picture_in(item).size for item in answer.data] == [(1024, 1536)]
    assert answer.usage.input_tokens_details.image_tokens == 2 * 194


def test_a_drawn_edit_leaves_what_the_mask_protects(client: openai.OpenAI, simulator: OpenAISimulator) -> None:
    simulator.look = "drawn"
    base = draw("a garden", 1024, 1024, look="drawn")
    (item,) = client.images.edit(
        model="gpt-image-2", prompt="a red car", image=("a.png", base, "image/png"), mask=mask_of(1024, 1024)
    ).data
    right = (600, 0, 1024, 1024)
    before, after = (picture.convert("RGB") for picture in (Image.open(io.BytesIO(base)), picture_in(item)))
    assert after.crop(right).tobytes() == before.crop(right).tobytes()
    assert after.tobytes() != before.tobytes()


def test_partial_pictures_are_streamed_before_the_whole(simulator: OpenAISimulator, client: openai.OpenAI) -> None:
    events = list(client.images.generate(model=FLARE, prompt="a cup", stream=True, partial_images=2))
    kinds = [event.type.partition(".")[2] for event in events]
    assert kinds == ["partial_image", "partial_image", "completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert {picture_in(event).size for event in events} == {(1024, 1024)}
    assert events[-1].usage.output_tokens == 439
    assert simulator.ledger.requests[-1].json == {
        "model": FLARE, "prompt": "a cup", "stream": True, "partial_images": 2,
    }  # fmt: skip
    edited = list(client.images.edit(model=FLARE, prompt="a cup", image=CUP, stream=True, partial_images=1))
    assert [event.type for event in edited] == ["image_edit.partial_image", "image_edit.completed"]


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "a model that ended": ({"model": "gpt-image-1"}, 404, "model_not_found"),
    "an older one": ({"model": "dall-e-3"}, 404, "model_not_found"),
    "an unknown field": ({"steps": 4}, 400, "unknown_parameter"),
    "a seed": ({"seed": 4}, 400, "unknown_parameter"),
    "a field of dall-e": ({"response_format": "b64_json"}, 400, "unknown_parameter"),
    "too small a size": ({"size": "512x512"}, 400, "between 655360 and 8294400"),
    "a size off the grid": ({"size": "1030x1030"}, 400, "divisible by 16"),
    "too long a picture": ({"size": "3840x1024"}, 400, "3 times"),
    "a free size of 1.5": ({"model": "gpt-image-1.5", "size": "1536x864"}, 400, "1536x1024"),
    "a size that is none": ({"size": "big"}, 400, "written like"),
    "a quality of 2.5": ({"model": "gpt-image-2", "quality": "max"}, 400, "invalid_value"),
    "no pictures": ({"n": 0}, 400, "invalid_value"),
    "too many pictures": ({"n": 11}, 400, "invalid_value"),
    "too many partial pictures": ({"partial_images": 4}, 400, "invalid_value"),
    "a transparent jpeg": ({"background": "transparent", "output_format": "jpeg"}, 400, "Transparent background"),
    "a compressed png": ({"output_compression": 50}, 400, "PNG"),
    "no prompt": ({"prompt": ""}, 400, "missing_required_parameter"),
    "too long a prompt": ({"prompt": "x" * 32_001}, 400, "string_above_max_length"),
}


@pytest.mark.parametrize(("changes", "status", "words"), BAD.values(), ids=BAD)
def test_what_the_service_rejects_is_rejected_and_costs_nothing(
    simulator: OpenAISimulator, changes: dict[str, Any], status: int, words: str
) -> None:
    response = post(simulator, "/images/generations", {"model": FLARE, "prompt": "a cup", **changes})
    assert response.status_code == status
    assert words in response.text
    assert set(response.json()["error"]) >= {"message", "type", "param", "code"}
    assert response.headers["x-request-id"] == "req_simulated1"
    assert simulator.ledger.accepted == []


ODD = [None, 0, True, "x", [], {}, [1], ["x"], [None], [[]], {"a": 1}, 1e30]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/images/generations", name) for name in ("model", "prompt", "n", "size", "quality", "stream")]
    + [("/responses", name) for name in ("model", "input", "text")]
    + [("/chat/completions", name) for name in ("model", "messages", "response_format")],
)
def test_a_body_of_quite_another_form_is_never_the_services_fault(
    simulator: OpenAISimulator, path: str, field: str
) -> None:
    asked = {"prompt": "a cup"} if "images" in path else {"model": TEXT}
    statuses = {post(simulator, path, {**asked, field: value}).status_code for value in ODD}
    assert statuses <= {200, 400, 404}


BAD_EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "17 pictures": ({"image": [CUP] * 17}, "too_many_images"),
    "a picture without a name": ({"image": CUP[1]}, "unsupported_file_mimetype"),
    "a picture that is none": ({"image": ("a.png", b"nothing", "image/png")}, "invalid_image_file"),
    "a mask of another size": ({"mask": mask_of(64, 64)}, "invalid_image_file"),
    "a mask without alpha": ({"mask": mask_of(96, 64, "RGB")}, "invalid_image_file"),
    "a mask that is no PNG": (
        {"mask": ("m.jpg", draw("x", 96, 64, format="jpeg"), "image/jpeg")},
        "invalid_image_file",
    ),
    "fidelity of 2.5": ({"input_fidelity": "high"}, "invalid_input_fidelity_model"),
}


@pytest.mark.parametrize(("changes", "code"), BAD_EDITS.values(), ids=BAD_EDITS)
def test_an_edit_of_the_wrong_form_is_refused(
    simulator: OpenAISimulator, client: openai.OpenAI, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**{"model": FLARE, "prompt": "edit", "image": CUP, **changes})
    assert caught.value.code == code
    assert simulator.ledger.accepted == []


def test_fidelity_is_taken_by_the_model_that_has_it(client: openai.OpenAI) -> None:
    answer = client.images.edit(model="gpt-image-1.5", prompt="edit", image=CUP, input_fidelity="high")
    assert len(answer.data) == 1


def test_a_body_that_is_no_json_and_an_edit_that_is_no_form_are_refused(simulator: OpenAISimulator) -> None:
    assert post(simulator, "/images/generations", b"{").status_code == 400
    assert post(simulator, "/images/edits", {"prompt": "x"}).json()["error"]["code"] == "unsupported_content_type"


@pytest.mark.parametrize("given", ["sk-some-other-key", ""], ids=["another", "none"])
def test_another_key_is_refused_and_hardly_shown(simulator: OpenAISimulator, given: str) -> None:
    headers = {"authorization": f"Bearer {given}"} if given else {}
    response = httpx2.post(f"{simulator.base_url}/images/generations", json={}, headers=headers)
    assert response.status_code == 401
    assert not given or given not in response.text
    assert simulator.key not in response.text


# ---- faults ------------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[type[openai.APIStatusError], int, str | None]] = {
    "rate_limited": (openai.RateLimitError, 429, "rate_limit_exceeded"),
    "rate_limited_bare": (openai.RateLimitError, 429, "rate_limit_exceeded"),
    "quota": (openai.RateLimitError, 429, "insufficient_quota"),
    "unavailable": (openai.InternalServerError, 503, None),
    "error_500": (openai.InternalServerError, 500, None),
    "html_502": (openai.InternalServerError, 502, None),
    "blocked_before": (openai.BadRequestError, 400, "moderation_blocked"),
    "blocked_after": (openai.BadRequestError, 400, "moderation_blocked"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("mode", "expected"), FAULTS.items(), ids=FAULTS)
def test_faults_reach_the_sdk_as_openai_words_them(
    simulator: OpenAISimulator, client: openai.OpenAI, mode: str, expected: Any, stream: bool
) -> None:
    simulator.play(mode)
    with pytest.raises(expected[0]) as caught:
        client.images.generate(model=FLARE, prompt="a cup", stream=stream)
    assert (caught.value.status_code, caught.value.code) == expected[1:]
    assert (caught.value.response.headers.get("retry-after") == "1") == (mode == "rate_limited")
    assert len(simulator.ledger.accepted) == (mode == "blocked_after")
    assert len(simulator.ledger.requests) == 1


def test_the_sdks_own_retries_can_be_told_from_first_calls(simulator: OpenAISimulator) -> None:
    simulator.play("error_500")
    with openai.OpenAI(api_key=simulator.key, base_url=simulator.base_url, max_retries=1) as client:
        client.images.generate(model=FLARE, prompt="a cup")
    assert [r.headers["x-stainless-retry-count"] for r in simulator.ledger.requests] == ["0", "1"]
    assert len(simulator.ledger.accepted) == 1


def test_answers_without_a_sound_picture(simulator: OpenAISimulator, client: openai.OpenAI) -> None:
    def ask(mode: str) -> Any:
        simulator.play(mode)
        return client.images.generate(model=FLARE, prompt="a cup")

    assert ask("not_json") == "All went well."
    assert ask("no_picture").data == []
    assert ask("unknown_finish").data[0].b64_json is None
    assert base64.b64decode(ask("wrong_content_type").data[0].b64_json).startswith(b"%PDF")
    with pytest.raises(ValueError, match="padding"):
        base64.b64decode(ask("truncated").data[0].b64_json, validate=True)
    for mode in ("drop", "stream_error"):
        with pytest.raises(openai.APIConnectionError):
            ask(mode)
    assert len(simulator.ledger.accepted) == 7  # all of them are billed


def test_a_stream_may_end_in_an_error_after_the_first_partial_picture(
    simulator: OpenAISimulator, client: openai.OpenAI
) -> None:
    simulator.play("stream_error")
    seen = []
    with pytest.raises(openai.APIError) as caught:  # noqa: PT012  # the error comes while reading
        for event in client.images.generate(model=FLARE, prompt="a cup", stream=True, partial_images=3):
            seen.append(event.type)
    assert seen == ["image_generation.partial_image"]
    assert (caught.value.code, caught.value.type) == ("internal_error", "server_error")


# ---- text --------------------------------------------------------------------------------------------------------


def uri() -> str:
    return f"data:image/png;base64,{base64.b64encode(CUP[1]).decode()}"


def test_responses_answer_about_pictures_in_json(client: openai.OpenAI, simulator: OpenAISimulator) -> None:
    shown = {"type": "input_image", "image_url": uri(), "detail": "auto"}
    content = [{"type": "input_text", "text": "Judge this."}, shown]
    form = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
    answer = client.responses.create(
        model=TEXT, instructions="Be fair.", input=[{"role": "user", "content": content}], text={"format": form}
    )
    assert json.loads(answer.output_text)["score"] in range(1, 6)
    assert (answer.status, answer.usage.input_tokens) == ("completed", 2 + 194)
    assert simulator.ledger.requests[-1].path == "/v1/responses"


def test_chat_completions_answer_about_pictures_in_json(client: openai.OpenAI, simulator: OpenAISimulator) -> None:
    content = [{"type": "text", "text": "Judge this."}, {"type": "image_url", "image_url": {"url": uri()}}]
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    answer = client.chat.completions.create(
        model=TEXT, messages=[{"role": "user", "content": content}], response_format=form
    )
    assert json.loads(answer.choices[0].message.content)["score"] in range(1, 6)
    assert answer.usage.prompt_tokens == 2 + 194
    assert simulator.ledger.requests[-1].path == "/v1/chat/completions"


def test_free_text_is_the_same_for_the_same_question(client: openai.OpenAI) -> None:
    first, again = (client.responses.create(model=TEXT, input="What is a cup?").output_text for _ in range(2))
    assert "What is a cup?" in first
    assert first == again


@pytest.mark.parametrize(
    ("mode", "response", "chat"),
    [
        ("truncated", ("incomplete", "max_output_tokens"), "length"),
        ("blocked_after", ("completed", None), "content_filter"),
        ("unknown_finish", ("postponed", None), "postponed"),
        ("no_picture", ("completed", None), "stop"),
    ],
)
def test_texts_that_end_badly_say_so(
    simulator: OpenAISimulator, client: openai.OpenAI, mode: str, response: tuple[str, str | None], chat: str
) -> None:
    simulator.play(mode, mode)
    answer = client.responses.create(model=TEXT, input="x y z")
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    assert (answer.status, reason) == response
    assert bool(answer.output_text) == (mode == "truncated")
    said = client.chat.completions.create(model=TEXT, messages=[{"role": "user", "content": "x"}])
    assert said.choices[0].finish_reason == chat


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/responses", {"model": "gpt-0", "input": "x"}, "model_not_found"),
        ("/responses", {"model": TEXT, "input": "x", "seed": 1}, "unknown_parameter"),
        ("/responses", {"model": TEXT, "input": []}, "missing_required_parameter"),
        (
            "/responses",
            {"model": TEXT, "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:x"}]}]},
            "invalid_image",
        ),
        (
            "/responses",
            {
                "model": TEXT,
                "input": "x",
                "text": {
                    "format": {"type": "json_schema", "name": "a", "strict": True, "schema": {"type": "object"}},
                },
            },
            "invalid_json_schema",
        ),
        ("/chat/completions", {"model": TEXT, "messages": [{"role": "robot", "content": "x"}]}, "invalid_value"),
        ("/chat/completions", {"model": TEXT, "input": "x"}, "unknown_parameter"),
    ],
    ids=["model", "seed", "nothing", "picture", "open schema", "role", "field of the other"],
)
def test_a_question_of_the_wrong_form_is_refused(simulator: OpenAISimulator, path: str, body: Any, code: str) -> None:
    response = post(simulator, path, body)
    assert response.json()["error"]["code"] == code
    assert response.status_code == (404 if code == "model_not_found" else 400)
    assert simulator.ledger.accepted == []


def test_sizes_asked_as_auto_follow_the_first_picture(client: openai.OpenAI) -> None:
    (item,) = client.images.edit(model=FLARE, prompt="edit", image=CUP, size="auto").data
    assert size_of(base64.b64decode(item.b64_json)) == (1536, 1024)
