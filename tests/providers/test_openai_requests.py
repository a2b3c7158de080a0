"""What is sent to OpenAI, built without sending it: fields, pictures and masks."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from openai.resources.images import AsyncImages
from PIL import Image

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.errors import UnsupportedRequest
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.openai import uploads
from imagegen_kit.providers.openai.provider import arguments
from imagegen_kit.providers.openai.requests import image_fields, model_spec
from imagegen_kit.providers.openai.texts import chat_fields, is_strict, response_fields
from imagegen_kit.providers.openai.uploads import data_uris, edit_files, mask_png
from imagegen_kit.types import Artifact, ImageRequest, Reference, Size, TextRequest

MODEL = ModelSpec("painter", can=Capabilities(default_side=1024, multiple_of=16))
SCHEMA = {
    "title": "the verdict",
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}


def ask(**more: object) -> ImageRequest:
    return ImageRequest(prompt="draw", model="openai/painter", **more)  # type: ignore[arg-type]


def picture(mode: str = "RGB", size: tuple[int, int] = (8, 6), colour: object = "red", format: str = "PNG") -> Artifact:
    out = BytesIO()
    Image.new(mode, size, colour).save(out, format)  # type: ignore[arg-type]
    return open_picture(out.getvalue())


def turned_photo() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: a person sees 6 × 8
    out = BytesIO()
    Image.new("RGB", (8, 6), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {}),
        ({"size": Size(1536, 864)}, {"size": "1536x864"}),
        ({"size": Size(ratio="1:1", resolution="2K")}, {"size": "2048x2048"}),
        ({"quality": "low"}, {"quality": "low"}),
        ({"seed": 7, "negative_prompt": "rain"}, {"seed": 7, "negative_prompt": "rain"}),
        (
            {"options": {"background": "opaque", "output_format": "webp", "output_compression": 80, "user": None}},
            {"background": "opaque", "output_format": "webp", "output_compression": 80},
        ),
        ({"options": {"partial_images": 2}}, {"partial_images": 2, "stream": True}),
        ({"options": {"partial_images": "3"}}, {"partial_images": 3, "stream": True}),
        ({"options": {"partial_images": 0}}, {"partial_images": 0, "stream": True}),
        ({"options": {"model": "another", "prompt": "other"}}, {}),
    ],
    ids=[
        "least",
        "pixels",
        "words",
        "quality",
        "seed",
        "options",
        "partials",
        "partials-as-text",
        "no-partials",
        "reserved",
    ],
)
def test_a_request_becomes_the_fields_of_the_api(more: dict[str, object], expected: dict[str, object]) -> None:
    assert image_fields(ask(**more), MODEL) == {"model": "painter", "prompt": "draw", **expected}


def test_the_services_own_name_of_a_model_is_sent() -> None:
    assert image_fields(ask(), ModelSpec("painter", remote_name="painter-2026"))["model"] == "painter-2026"


def test_a_model_outside_the_catalogue_is_reached_by_its_name() -> None:
    assert model_spec("openai/no-such/model").name == "no-such/model"


def test_servers_that_send_addresses_are_asked_for_the_picture_itself() -> None:
    spec = ModelSpec("painter", can=Capabilities(options={"response_format": "url or b64_json"}))
    assert image_fields(ask(), spec)["response_format"] == "b64_json"


def test_fields_that_the_sdk_does_not_name_go_into_the_body_all_the_same() -> None:
    fields = {"prompt": "draw", "moderation": "low", "steps": 4}
    assert arguments(AsyncImages.generate, fields) == {
        "prompt": "draw",
        "moderation": "low",
        "extra_body": {"steps": 4},
    }
    assert arguments(AsyncImages.edit, fields)["extra_body"] == {"moderation": "low", "steps": 4}


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"], ids=str.lower)
def test_a_reference_is_sent_as_it_lies_on_disk(format: str) -> None:
    given = picture(format=format)
    name, data, media = edit_files(ask(references=(Reference(given),)))["image"]
    assert (name, data, media) == (f"image-1.{format.lower()}", given.data, f"image/{format.lower()}")


def test_several_references_keep_their_order() -> None:
    references = tuple(Reference(picture(colour=colour)) for colour in ("red", "green", "blue"))
    parts = edit_files(ask(references=references))["image"]
    assert [data for _, data, _ in parts] == [r.picture.data for r in references]
    assert [name for name, _, _ in parts] == ["image-1.png", "image-2.png", "image-3.png"]


def test_a_photo_that_lies_on_its_side_is_sent_upright() -> None:
    _, data, media = edit_files(ask(references=(Reference(open_picture(turned_photo())),)))["image"]
    assert media == "image/png"
    assert Image.open(BytesIO(data)).size == (6, 8)


def test_white_and_opaque_in_our_mask_is_transparent_in_theirs_and_nothing_else() -> None:
    mask = Image.new("RGBA", (5, 1), (0, 0, 0, 255))
    for x, colour in enumerate([(255, 255, 255, 255), (0, 0, 0, 255), (255, 255, 255, 0), (200, 200, 200, 255)]):
        mask.putpixel((x, 0), colour)
    theirs = Image.open(BytesIO(mask_png(open_picture(mask))))
    assert (theirs.format, theirs.mode, theirs.size) == ("PNG", "RGBA", (5, 1))
    assert [theirs.getpixel((x, 0))[3] for x in range(5)] == [0, 255, 255, 0, 255]  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "RGB"], ids=str)
def test_a_mask_without_transparency_is_read_by_its_light(mode: str) -> None:
    mask = Image.new(mode, (2, 1))
    mask.putpixel((1, 0), {"1": 1, "L": 255, "RGB": (255, 255, 255)}[mode])
    theirs = Image.open(BytesIO(mask_png(open_picture(mask))))
    assert [theirs.getpixel((x, 0))[3] for x in range(2)] == [255, 0]  # type: ignore[index]


def test_pictures_that_are_too_large_are_refused_together_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = BytesIO()
    Image.new("RGB", (4400, 4000)).save(out, "PNG", compress_level=0)  # 52.8 million bytes
    monkeypatch.setattr(uploads, "MAX_MASK_BYTES", 50)
    request = ask(references=(Reference(open_picture(out.getvalue())),), mask=picture("L", colour=255))
    with pytest.raises(UnsupportedRequest) as caught:
        edit_files(request)
    assert [fault.where for fault in caught.value.faults] == ["reference 1", "mask"]
    assert "takes less than 50 MB" in caught.value.message


def test_a_question_becomes_the_fields_of_the_responses_api() -> None:
    request = TextRequest(
        prompt="score it", model="openai/reader", system="be strict", schema=SCHEMA, options={"temperature": 0}
    )
    assert response_fields(request, ModelSpec("reader"), ["data:image/png;base64,AA=="]) == {
        "model": "reader",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "score it"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
                ],
            }
        ],
        "instructions": "be strict",
        "text": {"format": {"type": "json_schema", "name": "the_verdict", "schema": SCHEMA, "strict": True}},
        "store": False,
        "temperature": 0,
    }


def test_a_question_becomes_the_fields_of_chat_completions() -> None:
    request = TextRequest(prompt="score it", model="openai/reader", system="be strict", schema=SCHEMA, seed=3)
    assert chat_fields(request, ModelSpec("reader"), ["data:image/png;base64,AA=="]) == {
        "model": "reader",
        "messages": [
            {"role": "system", "content": "be strict"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "score it"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "the_verdict", "schema": SCHEMA, "strict": True},
        },
        "seed": 3,
    }


def test_a_question_without_pictures_is_plain_text_in_chat() -> None:
    fields = chat_fields(TextRequest(prompt="hello", model="openai/reader"), ModelSpec("reader"), [])
    assert fields == {"model": "reader", "messages": [{"role": "user", "content": "hello"}]}


def test_pictures_travel_to_text_models_as_data_uris() -> None:
    given = picture()
    assert given.data is not None
    uris = data_uris(TextRequest(prompt="what?", model="openai/reader", references=(Reference(given),)))
    assert uris == ["data:image/png;base64," + base64.b64encode(given.data).decode()]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (SCHEMA, True),
        ({**SCHEMA, "required": []}, False),
        ({**SCHEMA, "additionalProperties": True}, False),
        ({**SCHEMA, "properties": {"score": {"type": "object", "properties": {}}}}, False),
        ({**SCHEMA, "properties": {"score": {"type": "array", "items": SCHEMA}}}, True),
        ({**SCHEMA, "properties": {"score": {"anyOf": [{"type": "object"}, {"type": "null"}]}}}, False),
    ],
    ids=["whole", "optional-key", "open", "open-inside", "list", "either"],
)
def test_only_a_schema_that_the_service_can_enforce_is_sent_as_strict(schema: dict[str, object], strict: bool) -> None:
    assert is_strict(schema) is strict
