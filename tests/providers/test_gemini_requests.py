"""What is sent to Google, from the request: parts, captions, configuration, options."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from imagegen_kit.errors import UnsupportedRequest
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.providers.gemini import generate_content, interactions, omni, veo
from imagegen_kit.providers.gemini.options import Sent, pictures_of, read_options
from imagegen_kit.types import ImageRequest, Reference, Size, TextRequest, VideoRequest

if TYPE_CHECKING:
    from google.genai import types

MODEL = "gemini/gemini-2.5-flash-image"


def picture(color: str, format: str = "PNG") -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, format)
    return Picture.from_bytes(file.getvalue())


def ask(**more: Any) -> ImageRequest:
    return ImageRequest(prompt="a cat", model=MODEL, **more)


def config(**more: Any) -> dict[str, Any]:
    request = ask(**more)
    found = generate_content.picture_config(request, read_options(request))
    return found.model_dump(
        exclude_none=True,
        mode="json",
        exclude={"automatic_function_calling", "automatic_continuation", "should_return_http_response"},
    )


def texts(parts: list[types.Part]) -> list[str]:
    return [part.text or part.inline_data.mime_type for part in parts]  # type: ignore[union-attr,misc]


class TestParts:
    def test_the_prompt_comes_first_and_pictures_follow_in_order_as_they_are(self) -> None:
        red, blue = picture("red"), picture("blue", "JPEG")
        request = ask(references=(Reference(red), Reference(blue)))
        parts = generate_content.picture_parts(request, pictures_of(request))
        assert texts(parts) == ["a cat", "image/png", "image/jpeg"]
        assert [p.inline_data.data for p in parts[1:]] == [red.bytes, blue.bytes]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"role": "character", "name": "Mia"}, "Reference 1 (character Mia): the next picture"),
            ({"role": "setting"}, "Reference 1 (setting): the next picture"),
            ({"name": "Mia", "description": "with a hat"}, "Reference 1 (Mia): with a hat"),
            ({"description": "with a hat"}, "Reference 1: with a hat"),
        ],
        ids=["role and name", "role", "name and description", "description"],
    )
    def test_what_is_known_of_a_reference_is_told_before_its_picture(self, given: dict[str, str], told: str) -> None:
        request = ask(references=(Reference(picture("red"), **given),))  # type: ignore[arg-type]
        assert texts(generate_content.picture_parts(request, pictures_of(request))) == ["a cat", told, "image/png"]


class TestPictureConfig:
    def test_a_bare_request_asks_for_a_picture_and_nothing_else(self) -> None:
        assert config() == {"response_modalities": ["IMAGE"]}

    def test_size_and_seed_are_passed_on_in_the_words_of_the_service(self) -> None:
        assert config(size=Size(ratio="16:9", resolution="2K"), seed=7) == {
            "response_modalities": ["IMAGE"],
            "seed": 7,
            "image_config": {"aspect_ratio": "16:9", "image_size": "2K"},
        }

    def test_one_threshold_counts_for_all_categories(self) -> None:
        settings = config(options={"safety": "BLOCK_NONE"})["safety_settings"]
        assert [s["threshold"] for s in settings] == ["BLOCK_NONE"] * 4
        assert {s["category"] for s in settings} == {
            "HARM_CATEGORY_HARASSMENT",
            "HARM_CATEGORY_HATE_SPEECH",
            "HARM_CATEGORY_SEXUALLY_EXPLICIT",
            "HARM_CATEGORY_DANGEROUS_CONTENT",
        }

    def test_thresholds_may_differ_by_category(self) -> None:
        settings = config(options={"safety": {"harassment": "off", "HARM_CATEGORY_HATE_SPEECH": "block_only_high"}})
        assert settings["safety_settings"] == [
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},
            {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH"},
        ]

    @pytest.mark.parametrize(
        ("options", "thinking"),
        [
            ({"thinking": "low"}, {"thinking_level": "LOW"}),
            ({"thinking": 512}, {"thinking_budget": 512}),
            ({"thoughts": True}, {"include_thoughts": True}),
        ],
        ids=["a level", "a budget", "only told"],
    )
    def test_thinking_is_asked_for_as_the_model_has_it(self, options: dict[str, Any], thinking: dict[str, Any]) -> None:
        assert config(options=options)["thinking_config"] == thinking

    def test_a_stream_may_hold_text_and_is_not_read_raw(self) -> None:
        request = ask(options={"stream": True})
        found = generate_content.picture_config(request, read_options(request))
        assert (found.response_modalities, found.should_return_http_response) == (["TEXT", "IMAGE"], None)

    def test_the_sdk_may_neither_continue_nor_call_functions(self) -> None:
        found = generate_content.picture_config(ask(), read_options(ask()))
        assert found.automatic_continuation is False
        assert found.automatic_function_calling is not None
        assert found.automatic_function_calling.disable is True

    def test_what_only_the_enterprise_mode_takes_is_passed_on(self) -> None:
        found = config(options={"person_generation": "allow_adult", "output_format": "jpeg"})
        assert found["image_config"] == {"person_generation": "ALLOW_ADULT", "output_mime_type": "image/jpeg"}

    def test_exact_pixels_are_refused_before_anything_is_sent(self) -> None:
        with pytest.raises(UnsupportedRequest, match="takes no exact pixels"):
            config(size=Size(1024, 768))

    def test_all_faults_of_the_options_are_told_together(self) -> None:
        options = {"temperature": "warm", "safety": "much", "thinking": "hard", "stream": 3, "max_output_tokens": 0}
        with pytest.raises(UnsupportedRequest) as caught:
            read_options(ask(options=options))
        assert [f.where for f in caught.value.faults] == [
            "temperature",
            "max_output_tokens",
            "thinking",
            "safety",
            "stream",
        ]


class TestTextConfig:
    def test_system_schema_and_length_are_passed_on(self) -> None:
        schema = {"type": "object", "properties": {"score": {"type": "integer"}}}
        request = TextRequest(
            prompt="?", model="gemini/t", system="Be brief.", schema=schema, options={"max_output_tokens": 9}
        )
        found = generate_content.text_config(request, read_options(request))
        assert (found.system_instruction, found.response_mime_type) == ("Be brief.", "application/json")
        assert (found.response_json_schema, found.max_output_tokens) == (schema, 9)
        assert found.response_modalities is None


class TestInteractions:
    def test_a_bare_text_stays_text(self) -> None:
        found = interactions.picture_arguments(ask(), read_options(ask()), [])
        assert found == {
            "input": "a cat",
            "response_format": {"type": "image"},
            "store": False,
            "automatic_continuation": False,
        }

    def test_pictures_options_and_size_are_passed_on(self) -> None:
        request = ask(
            size=Size(ratio="16:9", resolution="2K"),
            seed=3,
            options={"safety": {"harassment": "off"}, "thinking": "low"},
        )
        found = interactions.picture_arguments(
            request, read_options(request), [Sent(b"abc", "image/png", "Reference 1")]
        )
        assert found["input"] == [
            {"type": "text", "text": "a cat"},
            {"type": "text", "text": "Reference 1"},
            {"type": "image", "data": "YWJj", "mime_type": "image/png"},
        ]
        assert found["response_format"] == {"type": "image", "aspect_ratio": "16:9", "image_size": "2K"}
        assert found["generation_config"] == {"seed": 3, "thinking_level": "low"}
        assert found["safety_settings"] == [{"type": "harassment", "threshold": "off"}]


class TestFilms:
    @pytest.mark.parametrize(
        ("size", "form"),
        [
            (None, {"type": "video", "duration": "8s"}),
            (Size(1280, 720), {"type": "video", "aspect_ratio": "16:9", "resolution": "720p", "duration": "8s"}),
            (Size(2160, 3840), {"type": "video", "aspect_ratio": "9:16", "resolution": "4k", "duration": "8s"}),
        ],
        ids=["no size", "720p", "upright 4K"],
    )
    def test_the_form_of_a_film_is_told_in_words(self, size: Size | None, form: dict[str, str]) -> None:
        assert omni.form_of(size, 8.0) == form

    @pytest.mark.parametrize(
        ("frames", "pictures", "task"),
        [(0, 0, "text_to_video"), (2, 0, "image_to_video"), (0, 2, "reference_to_video")],
    )
    def test_the_task_follows_from_what_is_given(self, frames: int, pictures: int, task: str) -> None:
        request = VideoRequest(prompt="run", model="gemini/o", seed=3)
        shown = Sent(b"abc", "image/png")
        found = omni.film_arguments(request, read_options(request), [shown] * frames, [shown] * pictures)
        assert found["generation_config"] == {"seed": 3, "video_config": {"task": task}}
        assert found["background"] is True
        assert "store" not in found  # a film that is not kept cannot be looked up

    def test_veo_takes_a_last_frame_and_references(self) -> None:
        request = VideoRequest(prompt="run", model="vertex/veo", size=Size(1280, 720), seconds=8)
        first, last, other = (Sent(name, "image/png") for name in (b"first", b"last", b"other"))
        found = veo.film_config(request, read_options(request), [first, last], [other])
        assert (found.aspect_ratio, found.resolution, found.duration_seconds) == ("16:9", "720p", 8)
        assert found.last_frame is not None
        assert found.last_frame.image_bytes == b"last"
        assert found.reference_images is not None
        assert len(found.reference_images) == 1
