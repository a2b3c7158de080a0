"""Every shipped service over real HTTP: the picture arrives, and what was sent is what the service's documents show."""

from __future__ import annotations

import base64
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest

from imagegen_kit.capabilities import Fitted, fit
from imagegen_kit.catalog.job_api import FOLDER, shipped_job_apis
from imagegen_kit.errors import ProviderError, UnsupportedRequest
from imagegen_kit.providers.job_api.asked import asked_values, not_carried, submit_form
from imagegen_kit.testing.simulators.job_api import JobApiSimulator
from imagegen_kit.testing.simulators.ledger import Recorded
from imagegen_kit.types import ImageRequest, Size
from tests.providers.job_api_calls import QUEUES, SERVICES, Steps, ask, reference, size_of, spec_of

KEY = "simulated-key"
BEARER = ("authorization", f"Bearer {KEY}")
URI = "data:image/png;base64,"
# service, model, what is asked, the path and the body that are sent
SHAPES: list[Any] = [
    (
        "banana", "default", {"negative_prompt": "blur", "size": (512, 384), "seed": 7}, BEARER, "/v1/default",
        {"prompt": "a red cup", "negative_prompt": "blur", "width": 512, "height": 384, "seed": 7},
    ),
    (
        "nanobanana", "stable-diffusion-xl", {"size": (640, 512)}, BEARER, "/generate",
        {"prompt": "a red cup", "model": "stable-diffusion-xl", "width": 640, "height": 512, "num_images": 1},
    ),
    (
        "wavespeed", "flux-dev", {"size": (768, 512), "seed": 3}, BEARER, "/api/v3/wavespeed-ai/flux-dev",
        {"prompt": "a red cup", "size": "768*512", "seed": 3},
    ),
    (
        "replicate", "flux-schnell", {"size": "16:9", "seed": 3}, BEARER,
        "/v1/models/black-forest-labs/flux-schnell/predictions",
        {"input": {"prompt": "a red cup", "aspect_ratio": "16:9", "seed": 3}},
    ),
    (
        "fal", "flux-dev", {"size": (768, 512), "seed": 3}, ("authorization", f"Key {KEY}"), "/fal-ai/flux/dev",
        {"prompt": "a red cup", "image_size": {"width": 768, "height": 512}, "seed": 3},
    ),
    (
        "fal", "nano-banana-2-edit", {"size": "16:9", "references": 2}, ("authorization", f"Key {KEY}"),
        "/fal-ai/nano-banana-2/edit", {"prompt": "a red cup", "aspect_ratio": "16:9", "image_urls": [URI, URI]},
    ),
    (
        "bfl", "flux-2-pro", {"size": (768, 512), "seed": 3, "references": 2}, ("x-key", KEY), "/v1/flux-2-pro",
        {"prompt": "a red cup", "width": 768, "height": 512, "seed": 3, "input_image": "", "input_image_2": ""},
    ),
    (
        "bfl", "flux-kontext-pro", {"size": "3:2", "references": 1}, ("x-key", KEY), "/v1/flux-kontext-pro",
        {"prompt": "a red cup", "aspect_ratio": "3:2", "input_image": ""},
    ),
    (
        "nanobananaapi", "nano-banana-2", {"size": Size(ratio="16:9", resolution="2K")}, BEARER,
        "/api/v1/nanobanana/generate-2", {"prompt": "a red cup", "aspectRatio": "16:9", "resolution": "2K"},
    ),
    (
        "kie", "nano-banana-pro", {"size": Size(ratio="16:9", resolution="2K")}, BEARER, "/api/v1/jobs/createTask",
        {
            "model": "nano-banana-pro",
            "input": {"prompt": "a red cup", "aspect_ratio": "16:9", "resolution": "2K", "output_format": "png"},
        },
    ),
    (
        "a1111", "default", {"size": (512, 384), "seed": 7, "options": {"steps": 12}}, None, "/sdapi/v1/txt2img",
        {"prompt": "a red cup", "width": 512, "height": 384, "seed": 7, "steps": 12},
    ),
    (
        "a1111", "default", {"size": (512, 384), "references": 1}, None, "/sdapi/v1/img2img",
        {"prompt": "a red cup", "init_images": [""], "denoising_strength": 0.75, "width": 512, "height": 384},
    ),
]  # fmt: skip
FORMS: list[Any] = [
    (
        "stability", "core", {"size": "16:9", "seed": 3, "negative_prompt": "blur"},
        "/v2beta/stable-image/generate/core",
        {"prompt": "a red cup", "negative_prompt": "blur", "aspect_ratio": "16:9", "seed": "3", "output_format": "png"},
    ),
    (
        "stability", "sd3.5-large", {"size": "1:1"}, "/v2beta/stable-image/generate/sd3",
        {
            "prompt": "a red cup", "aspect_ratio": "1:1", "model": "sd3.5-large", "mode": "text-to-image",
            "output_format": "png",
        },
    ),
    (
        "stability", "sd3.5-large", {"references": 1}, "/v2beta/stable-image/generate/sd3",
        {
            "prompt": "a red cup", "image": "<file>", "strength": "0.6", "model": "sd3.5-large",
            "mode": "image-to-image", "output_format": "png",
        },
    ),
    (
        "stability-upscale", "creative", {"options": {"creativity": 0.2}}, "/v2beta/stable-image/upscale/creative",
        {"image": "<file>", "prompt": "a red cup", "output_format": "png", "creativity": "0.2"},
    ),
]  # fmt: skip


def named(table: list[Any]) -> list[str]:
    return [f"{n}-{row[0]}-{row[1]}" for n, row in enumerate(table)]


def given(parts: dict[str, Any]) -> dict[str, Any]:
    count = parts.get("references", 0)
    return {**parts, "references": tuple(reference(16 + n) for n in range(count))} if count else parts


def without_pictures(value: Any) -> Any:
    """Return a body with every encoded picture cut to how it begins, after looking that it is a picture."""
    if isinstance(value, dict):
        return {name: without_pictures(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_pictures(one) for one in value]
    if isinstance(value, str) and len(value) > 60:
        head, comma, text = value.rpartition(",")
        assert base64.b64decode(text, validate=True).startswith(b"\x89PNG")
        return head + comma
    return value


def parts_of(request: Recorded) -> dict[str, Any]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    found: dict[str, Any] = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]  # of EmailMessage
        assert isinstance(part, Message)
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename():
            assert part.get_content_type() == "image/png"
            assert data.startswith(b"\x89PNG")
        found[name] = "<file>" if part.get_filename() else data.decode()
    return found


@pytest.mark.parametrize(("service", "model", "asked", "auth", "path", "body"), SHAPES, ids=named(SHAPES))
def test_a_json_submit_is_what_the_service_documents(
    service: str, model: str, asked: dict[str, Any], auth: Any, path: str, body: dict[str, Any]
) -> None:
    with JobApiSimulator(service) as sim:
        reply = ask(sim, model, **given(asked))
        submit = sim.ledger.submits[0]
    assert (submit.method, submit.path) == ("POST", path)
    assert without_pictures(submit.json) == body
    assert submit.headers["content-type"] == "application/json"
    if auth:
        assert submit.headers[auth[0]] == auth[1]
    else:
        assert "authorization" not in submit.headers
    assert size_of(reply.pictures[0])[0] > 0


@pytest.mark.parametrize(("service", "model", "asked", "path", "fields"), FORMS, ids=named(FORMS))
def test_a_multipart_submit_is_what_the_service_documents(
    service: str, model: str, asked: dict[str, Any], path: str, fields: dict[str, str]
) -> None:
    with JobApiSimulator(service) as sim:
        ask(sim, model, **given(asked))
        submit = sim.ledger.submits[0]
    assert (submit.method, submit.path) == ("POST", path)
    assert parts_of(submit) == fields
    assert submit.headers["authorization"] == f"Bearer {KEY}"
    assert submit.headers["accept"] == "application/json"
    assert submit.headers["content-type"].startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize("service", ["a1111", "banana", "bfl", "fal", "nanobanana", "wavespeed"])
def test_the_picture_has_the_size_that_was_asked_for(service: str) -> None:
    can = next(m.can for m in spec_of(service).models if m.kind == "image")
    width, height = can.sizes[0] if can.sizes else (512, 384)
    with JobApiSimulator(service) as sim:
        reply = ask(sim, size=(width, height))
    assert size_of(reply.pictures[0]) == (width, height)


@pytest.mark.parametrize("service", QUEUES)
def test_a_job_is_polled_at_the_service_s_pace_until_it_is_done(service: str) -> None:
    poll = shipped_job_apis()[service].poll
    assert poll is not None
    steps = Steps()
    with JobApiSimulator(service, polls=3) as sim:
        ask(sim, steps=steps)
        methods = [r.method for r in sim.ledger.requests]
    assert steps.sleeps == [poll.every] * 4
    assert methods.count("POST") == 1
    assert steps.job_id
    assert len(sim.ledger.accepted) == 1
    assert steps.job_id.startswith(str(sim.ledger.accepted[0].job_id))


def test_fal_tells_the_place_in_the_queue() -> None:
    steps = Steps()
    with JobApiSimulator("fal", polls=3) as sim:
        ask(sim, steps=steps)
    assert steps.texts == [f"IN_QUEUE, place {n} in the queue" for n in (2, 1, 0)]


def test_a_setting_names_the_model_of_the_banana_service() -> None:
    with JobApiSimulator("banana") as sim:
        ask(sim, settings={"BANANA_MODEL_ID": "sdxl-large"})
        assert sim.ledger.submits[0].path == "/v1/sdxl-large"


def test_a_setting_names_the_checkpoint_of_the_web_ui() -> None:
    with JobApiSimulator("a1111") as sim:
        ask(sim, settings={"A1111_MODEL": "dream.safetensors"})
        assert sim.ledger.submits[0].json["override_settings"] == {"sd_model_checkpoint": "dream.safetensors"}


def test_an_openai_compatible_server_is_asked_for_pictures_and_for_edits() -> None:
    with JobApiSimulator("openai-compatible") as sim:
        ask(sim, size=(1024, 768), settings={"OPENAI_COMPATIBLE_MODEL": "flux"})
        ask(sim, references=(reference(16), reference(17)))
        first, second = sim.ledger.submits
    assert (first.path, second.path) == ("/v1/images/generations", "/v1/images/edits")
    assert first.json == {"model": "flux", "prompt": "a red cup", "n": 1, "size": "1024x768"}
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert second.body.count(b'name="image[]"; filename=') == 2


def _target(api: Any) -> Any:
    from imagegen_kit.providers.job_api.plugin import JobApiTarget

    return JobApiTarget(api)


def test_references_of_kie_are_uploaded_once_and_named_by_address() -> None:
    pictures = (reference(16), reference(17), reference(16))
    with JobApiSimulator("kie") as sim:
        ask(sim, references=pictures)
        uploads = [r for r in sim.ledger.submits if r.path == "/api/file-base64-upload"]
        submit = next(r for r in sim.ledger.submits if r.path == "/api/v1/jobs/createTask")
    assert len(uploads) == len(sim.uploads) == 2
    first, second, third = submit.json["input"]["image_input"]
    assert first == third != second
    assert uploads[0].json["base64Data"].startswith(URI)


def test_what_a_template_cannot_say_becomes_an_adaptation() -> None:
    with JobApiSimulator("stability") as sim:
        reply = ask(sim, "sd3.5-large", references=(reference(),), size="1:1")
        exact = ask(sim, "core", size=(1024, 1024))
    assert [str(a) for a in reply.adaptations] == ["size 1:1 ignored"]
    assert [str(a) for a in exact.adaptations] == ["size 1024x1024 → 1:1"]


def test_what_would_make_another_picture_is_refused_before_anything_is_sent() -> None:
    with JobApiSimulator("nanobanana") as sim:
        with pytest.raises(UnsupportedRequest, match=r"references: \(2 given\) cannot be sent"):
            ask(sim, references=(reference(), reference()))
        with pytest.raises(UnsupportedRequest, match="steps: cannot be sent"):
            ask(sim, options={"steps": 3})
        assert not sim.ledger.requests


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_s_file_is_short_dated_and_sourced(service: str) -> None:
    api = shipped_job_apis()[service]
    text = (FOLDER / f"{service}.yaml").read_text(encoding="utf-8")
    assert api.name == service
    assert len(text.splitlines()) <= 40
    assert text.startswith("# ")
    assert api.source
    assert api.as_of == "2026-11-20"


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_catalogue_promises_of_a_model_its_service_s_file_can_send(service: str) -> None:
    api = shipped_job_apis()[service]
    for model in spec_of(service).models:
        if model.kind != "image":
            continue
        can = model.can
        request = ImageRequest(
            prompt="a red cup",
            model=f"{service}/{model.name}",
            negative_prompt="blur" if can.negative_prompt else None,
            seed=3 if can.seed else None,
            references=tuple(reference(16 + n) for n in range(can.references)),
            options=dict.fromkeys(can.options, 1),
        )
        fitted = fit(request, can)
        assert isinstance(fitted, Fitted)
        values = asked_values(request, model)
        form = submit_form(api, values["model"], bool(can.references), request.model)
        assert not_carried(request, form, values) == (), model.name


def test_a_missing_variable_of_the_address_is_named() -> None:
    api = shipped_job_apis()["banana"]
    form = replace(api.submit[0], url="{base}/v1/{settings.BANANA_MODEL_ID}")
    spec = replace(spec_of("banana"), target=_target(replace(api, submit=(form,), models=spec_of("banana").models)))
    with JobApiSimulator("banana") as sim, pytest.raises(ProviderError, match="BANANA_MODEL_ID") as caught:
        ask(sim, spec=spec)
    assert caught.value.paid is False
