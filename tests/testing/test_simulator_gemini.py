"""Google's simulated services, driven by google-genai itself; requests that it would never send go by hand."""

from __future__ import annotations

import base64
import io
import json
import time
import warnings
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from PIL import Image

from imagegen_kit.providers.transport import certificates  # read once: to read them takes 50 ms a client
from imagegen_kit.testing.simulators import GeminiSimulator, VertexSimulator
from imagegen_kit.testing.simulators.drawing import draw, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FLASH, PRO, NEW, TEXT = "gemini-2.5-flash-image", "gemini-3-pro-image", "gemini-nano-banana-2.1", "gemini-3.8-flash"
OMNI = "gemini-omni-1.2-flash"
CUP = draw("a cup", 48, 32)
INLINE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(CUP).decode()}}
BROKEN = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
Config = types.GenerateContentConfig


def client_of(simulator: GeminiSimulator | VertexSimulator, **more: Any) -> genai.Client:
    trusted = certificates()
    options = types.HttpOptions(
        base_url=simulator.base_url,
        timeout=20_000,
        retry_options=types.HttpRetryOptions(attempts=1),
        async_client_args={"verify": trusted, "ssl": trusted},
    )
    return genai.Client(http_options=options, **{"api_key": simulator.key, **more})


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    with GeminiSimulator() as simulator:
        yield simulator


@pytest.fixture
def client(gemini: GeminiSimulator) -> Iterator[genai.Client]:
    with client_of(gemini) as client:
        yield client


@pytest.fixture
def vertex() -> Iterator[VertexSimulator]:
    with VertexSimulator() as simulator:
        yield simulator


def picture_in(response: types.GenerateContentResponse) -> Image.Image:
    (data,) = [part.inline_data.data for part in response.parts or () if part.inline_data]
    return Image.open(io.BytesIO(data))


def post(simulator: GeminiSimulator, body: Any, model: str = FLASH, **headers: str) -> httpx2.Response:
    headers = headers or {"x-goog-api-key": simulator.key}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{simulator.base_url}/v1beta/models/{model}:generateContent"
    return httpx2.post(url, content=content, headers=headers, verify=certificates())


def asked(**more: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": "a cup"}], "role": "user"}], **more}


# ---- generateContent ---------------------------------------------------------------------------------------------


def test_the_recorded_request_is_the_captured_one(gemini: GeminiSimulator, client: genai.Client) -> None:
    """Fact sheet 1.3."""
    shown = types.Part.from_bytes(data=CUP, mime_type="image/png")
    low, sexual = types.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE, types.HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT
    config = Config(
        system_instruction="sys",
        temperature=0.5,
        candidate_count=1,
        seed=7,
        response_modalities=["IMAGE"],
        safety_settings=[types.SafetySetting(category=sexual, threshold=low)],
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size="1K"),
    )
    client.models.generate_content(model=FLASH, contents=["draw", shown, shown], config=config)
    (request,) = gemini.ledger.requests
    assert (request.method, request.path, request.query) == ("POST", f"/v1/models/{FLASH}:generateContent", "")
    assert request.headers["x-goog-api-key"] == gemini.key
    assert request.headers["x-server-timeout"] == "20"
    assert request.headers["user-agent"].startswith("google-genai-sdk/3.")
    inline = {"inlineData": {"data": base64.urlsafe_b64encode(CUP).decode(), "mime_type": "image/png"}}
    assert request.json == {
        "contents": [{"parts": [{"text": "draw"}, inline, inline], "role": "user"}],
        "systemInstruction": {"parts": [{"text": "sys"}], "role": "user"},
        "safetySettings": [{"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "BLOCK_LOW_AND_ABOVE"}],
        "generationConfig": {
            "temperature": 0.5,
            "candidateCount": 1,
            "seed": 7,
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "1K"},
        },
    }


@pytest.mark.parametrize(
    ("model", "ratio", "size", "pixels", "tokens"),
    [
        (FLASH, "16:9", "1K", (1344, 768), 1290),
        (PRO, "1:1", "4K", (4096, 4096), 2000),
        ("gemini-3.1-flash-image", "1:1", "512", (512, 512), 747),
        ("gemini-3.1-flash-image", "8:1", "2K", (5792, 720), 1680),
        (NEW, "3:4", "1K", (864, 1184), 1120),
    ],
)
def test_a_picture_has_the_size_and_the_tokens_of_its_model(
    client: genai.Client, gemini: GeminiSimulator, model: str, ratio: str, size: str, pixels: Any, tokens: int
) -> None:
    image = types.ImageConfig(aspect_ratio=ratio, image_size=size)
    config = Config(response_modalities=["IMAGE"], image_config=image)
    response = client.models.generate_content(model=model, contents="a cup of tea", config=config)
    picture, usage = picture_in(response), response.usage_metadata
    assert picture.size == pixels
    assert picture.format == ("JPEG" if model == NEW else "PNG")
    assert (usage.prompt_token_count, usage.candidates_token_count) == (4, tokens)
    assert [(d.modality.value, d.token_count) for d in usage.candidates_tokens_details] == [("IMAGE", tokens)]
    assert bool(usage.thoughts_token_count) == (model == PRO)
    assert response.model_version == model
    assert [(c.model, c.tokens) for c in gemini.ledger.accepted] == [(model, tokens)]


def test_given_pictures_are_counted_apart(client: genai.Client) -> None:
    shown = types.Part.from_bytes(data=CUP, mime_type="image/png")
    response = client.models.generate_content(model=FLASH, contents=["two cups", shown, shown])
    details = {d.modality.value: d.token_count for d in response.usage_metadata.prompt_tokens_details}
    assert details == {"TEXT": 2, "IMAGE": 516}


def test_a_seed_gives_the_same_picture_and_none_another_each_time(client: genai.Client) -> None:
    def ask(seed: int | None, model: str = FLASH) -> bytes:
        response = client.models.generate_content(model=model, contents="a cup", config=Config(seed=seed))
        return picture_in(response).convert("RGB").tobytes()

    assert ask(3) == ask(3) != ask(4)
    assert ask(None) != ask(None)
    assert ask(3) != ask(3, "gemini-3.1-flash-image")


def test_thoughts_come_as_marked_parts_and_are_counted(client: genai.Client) -> None:
    thinking = types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH, include_thoughts=True)
    response = client.models.generate_content(
        model=NEW, contents="a cup", config=Config(response_modalities=["IMAGE"], thinking_config=thinking)
    )
    assert [(bool(p.thought), bool(p.inline_data)) for p in response.parts] == [(True, False), (False, True)]
    assert response.usage_metadata.thoughts_token_count == 400


def test_a_stream_brings_text_then_the_whole_picture_then_the_usage(
    client: genai.Client, gemini: GeminiSimulator
) -> None:
    chunks = list(client.models.generate_content_stream(model=FLASH, contents="a cup"))
    parts = [part for chunk in chunks for part in chunk.parts or ()]
    assert [bool(p.inline_data) for p in parts] == [False, True, False]
    assert [bool(c.usage_metadata) for c in chunks] == [False, False, True]
    assert chunks[-1].candidates[0].finish_reason.value == "STOP"
    (request,) = gemini.ledger.requests
    assert (request.path, request.query) == (f"/v1/models/{FLASH}:streamGenerateContent", "alt=sse")


def test_text_models_answer_in_text_or_in_json_of_a_schema(client: genai.Client) -> None:
    shown = types.Part.from_bytes(data=CUP, mime_type="image/png")
    free = client.models.generate_content(model=TEXT, contents=["What is this?", shown])
    assert "What is this?" in free.text
    assert free.usage_metadata.prompt_token_count == 3 + 258
    schema = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}}}
    config = Config(response_mime_type="application/json", response_json_schema={**schema, "required": ["score"]})
    judged = json.loads(client.models.generate_content(model=TEXT, contents="judge", config=config).text)
    assert judged["score"] in range(1, 6)
    config = Config(
        response_mime_type="application/json", response_schema={"type": "ARRAY", "items": {"type": "STRING"}}
    )
    (word,) = json.loads(client.models.generate_content(model=TEXT, contents="list", config=config).text)
    assert isinstance(word, str)


BAD = {
    "no such model": ("veo-9", asked(), 404, "NOT_FOUND"),
    "a text model asked for a picture": (TEXT, asked(generationConfig={"responseModalities": ["IMAGE"]}), 400, "image"),
    "an unknown field": (FLASH, asked(negativePrompt="blur"), 400, 'Unknown name "negativePrompt": Cannot find field'),
    "an unknown setting": (FLASH, asked(generationConfig={"steps": 4}), 400, "at 'generation_config'"),
    "512 of 2.1": (NEW, asked(generationConfig={"imageConfig": {"imageSize": "512"}}), 400, "INVALID_ARGUMENT"),
    "2K of 2.5": (FLASH, asked(generationConfig={"imageConfig": {"imageSize": "2K"}}), 400, "image size"),
    "an extreme ratio of 2.5": (FLASH, asked(generationConfig={"imageConfig": {"aspectRatio": "8:1"}}), 400, "ratio"),
    "a format of the Enterprise mode": (
        FLASH, asked(generationConfig={"imageConfig": {"imageOutputOptions": {}}}), 400, "imageOutputOptions",
    ),
    "two candidates": (FLASH, asked(generationConfig={"candidateCount": 2}), 400, "candidates"),
    "thinking where there is none": (
        FLASH, asked(generationConfig={"thinkingConfig": {"thinking_level": "LOW"}}), 400, "Thinking is not enabled",
    ),
    "too low a level": (NEW, asked(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}), 400, "LOW"),
    "a schema of a drawing model": (FLASH, asked(generationConfig={"responseSchema": {}}), 400, "JSON mode"),
    "a seed that is no number": (FLASH, asked(generationConfig={"seed": "7"}), 400, "seed"),
    "too many pictures": (FLASH, {"contents": [{"parts": [INLINE] * 4}]}, 400, "at most 3"),
    "a picture that is none": (FLASH, {"contents": [{"parts": [BROKEN]}]}, 400, "input image"),
    "nothing": (FLASH, {"contents": []}, 400, "contents is not specified"),
    "no JSON": (FLASH, b"{", 400, "Invalid JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "body", "status", "words"), BAD.values(), ids=BAD)
def test_what_the_service_rejects_is_rejected_and_costs_nothing(
    gemini: GeminiSimulator, model: str, body: Any, status: int, words: str
) -> None:
    response = post(gemini, body, model)
    assert response.status_code == status
    assert words in response.text.replace('\\"', '"')
    assert gemini.ledger.accepted == []


ODD = [None, 0, True, "x", [], {}, [1], ["x"], [None], [[]], {"a": 1}, 1e30]


@pytest.mark.parametrize("field", ["contents", "generationConfig", "safetySettings", "systemInstruction"])
def test_a_body_of_quite_another_form_is_never_the_services_fault(gemini: GeminiSimulator, field: str) -> None:
    statuses = {post(gemini, asked(**{field: value}), TEXT).status_code for value in ODD}
    assert statuses <= {200, 400}
    assert post(gemini, [1]).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [({"x-goog-api-key": "wrong"}, 400, "API_KEY_INVALID"), ({"accept": "*/*"}, 403, "PERMISSION_DENIED")],
    ids=["wrong", "none"],
)
def test_another_key_is_refused(gemini: GeminiSimulator, headers: dict[str, str], status: int, reason: str) -> None:
    response = post(gemini, asked(), **headers)
    assert response.status_code == status
    assert reason in response.text
    assert gemini.key not in response.text


FAULTS = {
    "rate_limited": (429, "RESOURCE_EXHAUSTED"),
    "rate_limited_bare": (429, "RESOURCE_EXHAUSTED"),
    "quota": (429, "RESOURCE_EXHAUSTED"),
    "unavailable": (503, "UNAVAILABLE"),
    "error_500": (500, "INTERNAL"),
    "html_502": (502, "Bad Gateway"),
}


@pytest.mark.parametrize(("mode", "expected"), FAULTS.items(), ids=FAULTS)
def test_faults_reach_the_sdk_as_google_words_them(
    gemini: GeminiSimulator, client: genai.Client, mode: str, expected: tuple[int, str]
) -> None:
    gemini.play(mode)
    with pytest.raises(errors.APIError) as caught:
        client.models.generate_content(model=FLASH, contents="a cup")
    assert (caught.value.code, caught.value.status) == expected
    assert gemini.ledger.accepted == []
    assert len(gemini.ledger.requests) == 1  # the SDK does not repeat it
    assert (caught.value.response.headers.get("retry-after") == "1") == (mode == "rate_limited")
    told = json.dumps(caught.value.details)
    assert ('"retryDelay": "1s"' in told) == (mode == "rate_limited")
    assert ("PerDay" in told) == (mode == "quota")


def test_refusals_and_missing_pictures_are_answers(gemini: GeminiSimulator, client: genai.Client) -> None:
    def ask(mode: str) -> types.GenerateContentResponse:
        gemini.play(mode)
        return client.models.generate_content(model=FLASH, contents="a cup")

    before = ask("blocked_before")
    assert (before.candidates, before.prompt_feedback.block_reason.value) == (None, "PROHIBITED_CONTENT")
    assert gemini.ledger.accepted == []
    made = ask("blocked_after")
    after = made.candidates[0]
    assert (after.content, after.finish_reason.value) == (None, "IMAGE_SAFETY")
    assert made.usage_metadata.candidates_token_count > 1290  # it was made, and is charged
    none = ask("no_picture").candidates[0]
    assert (none.finish_reason.value, len(none.content.parts)) == ("NO_IMAGE", 1)
    with pytest.warns(UserWarning, match="PICTURE_POSTPONED"):
        assert ask("unknown_finish").candidates[0].finish_reason.value == "PICTURE_POSTPONED"
    other = next(part.inline_data for part in ask("wrong_content_type").parts if part.inline_data)
    assert (other.mime_type, other.data[:4]) == ("application/pdf", b"%PDF")
    assert len(gemini.ledger.accepted) == 4


@pytest.mark.parametrize("mode", ["not_json", "truncated", "drop"])
def test_garbage_is_garbage_and_is_charged(gemini: GeminiSimulator, client: genai.Client, mode: str) -> None:
    gemini.play(mode)
    with pytest.raises((json.JSONDecodeError, ValueError, httpx2.RemoteProtocolError)):
        client.models.generate_content(model=FLASH, contents="a cup")
    assert len(gemini.ledger.accepted) == 1


# ---- Interactions ------------------------------------------------------------------------------------------------


def test_an_interaction_is_recorded_as_captured_and_answers_with_a_picture(
    gemini: GeminiSimulator, client: genai.Client
) -> None:
    """Fact sheet 2."""
    data = base64.b64encode(CUP).decode()
    blocks = [{"type": "text", "text": "draw"}, {"type": "image", "data": data, "mime_type": "image/png"}]
    form = {"type": "image", "aspect_ratio": "16:9", "image_size": "2K", "mime_type": "image/jpeg"}
    done = client.interactions.create(
        model="gemini-3.1-flash-image",
        input=blocks,
        response_format=form,
        generation_config={"seed": 3},
        store=False,
    )
    (request,) = gemini.ledger.requests
    assert (request.path, request.headers["x-goog-api-key"]) == ("/v1/interactions", gemini.key)
    assert request.json == {
        "model": "gemini-3.1-flash-image",
        "generation_config": {"seed": 3},
        "input": [{"content": blocks, "type": "user_input"}],
        "response_format": form,
        "store": False,
    }
    assert done.status == "completed"
    assert size_of(base64.b64decode(done.output_image.data)) == (2688, 1536)
    assert done.output_image.mime_type == "image/jpeg"
    assert done.usage.total_output_tokens == 1680
    assert [(m.modality, m.tokens) for m in done.usage.output_tokens_by_modality] == [("image", 1680)]
    with pytest.raises(Exception, match="not found"):
        client.interactions.get(id=done.id)  # nothing was stored


@pytest.mark.alone
def test_a_film_is_made_in_the_background_and_found_by_its_id(gemini: GeminiSimulator, client: genai.Client) -> None:
    gemini.latency = 0.3
    form = {"type": "video", "aspect_ratio": "9:16", "duration": "5s", "delivery": "uri"}
    started = time.perf_counter()
    job = client.interactions.create(
        model=OMNI,
        input="waves",
        background=True,
        response_format=form,
        generation_config={"video_config": {"task": "text_to_video"}},
    )
    assert time.perf_counter() - started < 0.3  # it is taken before it is made
    assert (job.status, client.interactions.get(id=job.id).status) == ("in_progress", "in_progress")
    assert gemini.ledger.requests[-1].query == "stream=false"
    time.sleep(0.35)
    done = client.interactions.get(id=job.id)
    assert (done.status, done.output_video.mime_type) == ("completed", "video/mp4")
    data = client.files.download(file=types.Video(uri=done.output_video.uri))
    assert data[4:8] == b"ftyp"
    assert (gemini.ledger.requests[-1].path, gemini.ledger.requests[-1].query) == (
        "/v1/files/simulated1:download",
        "alt=media",
    )
    assert done.usage.total_output_tokens == 5 * 5792


def test_an_interaction_can_be_cancelled_while_it_runs(gemini: GeminiSimulator, client: genai.Client) -> None:
    gemini.latency = 60.0
    job = client.interactions.create(model=OMNI, input="waves", background=True)
    client.interactions.cancel(id=job.id)
    assert client.interactions.get(id=job.id).status == "cancelled"


def test_an_interaction_streams_events(client: genai.Client) -> None:
    events = list(client.interactions.create(model=NEW, input="a cup", stream=True))
    assert [e.event_type for e in events] == [
        "interaction.created", "step.start", "step.delta", "step.stop", "interaction.completed",
    ]  # fmt: skip
    assert size_of(base64.b64decode(events[2].delta.data)) == (1024, 1024)


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("blocked_before", "failed", "prohibited_content"),
        ("blocked_after", "failed", "image_safety"),
        ("unknown_finish", "postponed", None),
        ("no_picture", "completed", None),
    ],
)
def test_an_interaction_without_a_picture_says_why(
    gemini: GeminiSimulator, client: genai.Client, mode: str, status: str, code: str | None
) -> None:
    gemini.play(mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDK, about a status that it does not know
        done = client.interactions.create(model=NEW, input="a cup")
    assert (done.status, done.output_image) == (status, None)
    assert (done.errors[0].code if done.errors else None) == code


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "nobody", "input": "x"}, 404),
        ({"model": NEW, "input": "x", "steps": 3}, 400),
        ({"model": NEW, "input": []}, 400),
        ({"model": NEW, "input": "x", "response_format": {"type": "video"}}, 400),
        ({"model": NEW, "input": "x", "response_format": {"type": "image", "image_size": "512"}}, 400),
        ({"model": OMNI, "input": "x", "response_format": {"type": "video", "duration": "60s"}}, 400),
        ({"model": OMNI, "input": "x", "background": True, "store": False}, 400),
        ({"model": OMNI, "input": "x", "generation_config": {"video_config": {"task": "image_to_video"}}}, 400),
    ],
    ids=["model", "field", "nothing", "kind", "size", "seconds", "unstored", "no frame"],
)
def test_an_interaction_of_the_wrong_form_is_refused(gemini: GeminiSimulator, body: Any, status: int) -> None:
    headers = {"x-goog-api-key": gemini.key}
    url = f"{gemini.base_url}/v1/interactions"
    assert httpx2.post(url, json=body, headers=headers, verify=certificates()).status_code == status
    assert gemini.ledger.accepted == []


# ---- the Enterprise mode -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["key", "project"])
def test_the_enterprise_mode_takes_a_key_or_a_token(vertex: VertexSimulator, login: str) -> None:
    """Fact sheet 3: the path holds the project where a token is used."""
    token = {"project": "p", "location": "us-central1", "credentials": Credentials(token=vertex.key), "api_key": None}
    client = client_of(vertex, vertexai=True, **(token if login == "project" else {}))
    image = types.ImageConfig(person_generation="ALLOW_ADULT", output_mime_type="image/jpeg")
    response = client.models.generate_content(
        model=FLASH, contents="a cup", config=Config(response_modalities=["IMAGE"], image_config=image)
    )
    client.close()
    (request,) = vertex.ledger.requests
    where = "projects/p/locations/us-central1/" if login == "project" else ""
    assert request.path == f"/v1beta1/{where}publishers/google/models/{FLASH}:generateContent"
    given = request.headers["authorization" if login == "project" else "x-goog-api-key"]
    assert given == (f"Bearer {vertex.key}" if login == "project" else vertex.key)
    sent = {"personGeneration": "ALLOW_ADULT", "imageOutputOptions": {"mimeType": "image/jpeg"}}
    assert request.json["generationConfig"]["imageConfig"] == sent
    assert picture_in(response).format == "JPEG"


def test_the_enterprise_mode_refuses_another_token(vertex: VertexSimulator) -> None:
    url = f"{vertex.base_url}/v1beta1/publishers/google/models/{FLASH}:generateContent"
    for headers, status in (({"authorization": "Bearer x"}, 401), ({"x-goog-api-key": "x"}, 400), ({}, 403)):
        assert httpx2.post(url, json=asked(), headers=headers, verify=certificates()).status_code == status


def test_imagen_makes_several_pictures_and_says_which_were_filtered(vertex: VertexSimulator) -> None:
    client = client_of(vertex, vertexai=True)
    config = types.GenerateImagesConfig(number_of_images=2, aspect_ratio="16:9", seed=1, negative_prompt="n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK says that this call ends in its next version
        made = client.models.generate_images(model="imagen-4.0-generate-001", prompt="x", config=config)
        vertex.play("blocked_after")
        filtered = client.models.generate_images(model="imagen-4.0-generate-001", prompt="x", config=config)
    client.close()
    request = vertex.ledger.requests[0]
    assert request.path == "/v1beta1/publishers/google/models/imagen-4.0-generate-001:predict"
    assert request.json == {
        "instances": [{"prompt": "x"}],
        "parameters": {"sampleCount": 2, "aspectRatio": "16:9", "seed": 1, "negativePrompt": "n"},
    }
    assert [size_of(image.image.image_bytes) for image in made.generated_images] == [(1344, 768)] * 2
    assert [charge.usd for charge in vertex.ledger.accepted] == [pytest.approx(0.08)]  # what is filtered is free
    assert [image.rai_filtered_reason for image in filtered.generated_images] == ["The picture was filtered out."] * 2


@pytest.mark.alone
def test_veo_names_an_operation_and_later_its_film(vertex: VertexSimulator) -> None:
    vertex.latency = 0.2
    client = client_of(vertex, vertexai=True)
    frame = types.Image(image_bytes=CUP, mime_type="image/png")
    config = types.GenerateVideosConfig(number_of_videos=1, duration_seconds=4, seed=3, last_frame=frame)
    source = types.GenerateVideosSource(prompt="waves", image=frame)
    operation = client.models.generate_videos(model="veo-3.1-generate-001", source=source, config=config)
    sent = vertex.ledger.requests[0]
    assert sent.path == "/v1beta1/publishers/google/models/veo-3.1-generate-001:predictLongRunning"
    assert sent.json["parameters"] == {"sampleCount": 1, "durationSeconds": 4, "seed": 3}
    assert sorted(sent.json["instances"][0]) == ["image", "lastFrame", "prompt"]
    assert client.operations.get(operation).done is None
    time.sleep(0.25)
    done = client.operations.get(operation)
    client.close()
    assert vertex.ledger.requests[-1].path.endswith(":fetchPredictOperation")
    assert vertex.ledger.requests[-1].json == {"operationName": operation.name}
    assert done.done
    assert done.response.generated_videos[0].video.video_bytes[4:8] == b"ftyp"
    assert vertex.ledger.accepted[0].usd == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("model", "verb", "instance", "parameters"),
    [
        ("imagen-3.0-generate-002", "predict", {"prompt": "x"}, {}),
        ("imagen-4.0-generate-001", "predict", {"prompt": "x"}, {"sampleCount": 9}),
        ("imagen-4.0-generate-001", "predict", {"prompt": "x"}, {"steps": 9}),
        ("veo-3.1-generate-001", "predictLongRunning", {"prompt": "x"}, {"durationSeconds": 60}),
        ("veo-3.1-generate-001", "predictLongRunning", {"prompt": "x", "image": {"bytesBase64Encoded": "AAAA"}}, {}),
        ("veo-3.1-generate-001", "predictLongRunning", {}, {}),
    ],
    ids=["ended", "pictures", "field", "seconds", "broken frame", "nothing"],
)
def test_predictions_of_the_wrong_form_are_refused(
    vertex: VertexSimulator, model: str, verb: str, instance: Any, parameters: Any
) -> None:
    url = f"{vertex.base_url}/v1beta1/publishers/google/models/{model}:{verb}"
    body = {"instances": [instance], "parameters": parameters}
    response = httpx2.post(url, json=body, headers={"x-goog-api-key": vertex.key})
    assert response.status_code == (404 if "3.0" in model else 400)
    assert vertex.ledger.accepted == []
