"""What OpenAI's Images API takes and what it refuses. Formats gif and svg are not played."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops

from imagegen_kit.imaging.encode import encode
from imagegen_kit.testing.simulators.drawing import size_of
from imagegen_kit.testing.simulators.openai_errors import Refused, check_names, check_value, no_model, other_form
from imagegen_kit.testing.simulators.openai_models import IMAGE_MODELS, QUALITIES, ImageModel, size_fault
from imagegen_kit.testing.simulators.replies import strict

COMMON = (
    "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "stream",
    "partial_images", "safety_identifier", "user", "moderation", "complexity",
)  # fmt: skip
EDIT = (*COMMON, "input_fidelity", "image", "image[]", "mask", "markup")
FORMATS = ("png", "webp", "jpeg")
MAX_PROMPT, MAX_IMAGES, MAX_N, MAX_BYTES, MAX_MASK_BYTES = 32_000, 16, 10, 50 * 2**20, 4 * 2**20


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for pictures that is taken. ``mask`` is white where the picture may change."""

    model: str
    prompt: str
    size: tuple[int, int]
    tokens: int
    n: int = 1
    quality: str = "auto"
    background: str = "auto"
    format: str = "png"
    stream: bool = False
    partials: int = 0
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    edit: bool = False


@strict(other_form)
def read_generation(body: object) -> Asked:
    """Return what ``/images/generations`` is asked for. Raises Refused as the service would."""
    if not isinstance(body, Mapping):
        raise Refused(400, "We could not parse the JSON body of your request.")
    check_names(body, COMMON)
    return _read(body, ())


@strict(other_form)
def read_edit(fields: Mapping[str, str], files: Sequence[tuple[str, bytes, str]]) -> Asked:
    """Return what ``/images/edits`` is asked for; ``files`` are (field, bytes, media type) in order."""
    check_names([*fields, *(name for name, _, _ in files)], EDIT)
    body: dict[str, Any] = dict(fields)
    for name in ("n", "partial_images", "output_compression"):
        if name in body:
            if not str(body[name]).isdecimal():
                raise Refused(400, f"Invalid type for '{name}': expected an integer.", "invalid_type", param=name)
            body[name] = int(body[name])
    if "stream" in body:
        check_value("stream", body["stream"], ("true", "false"))
        body["stream"] = body["stream"] == "true"
    pictures = [(data, mime) for name, data, mime in files if name in ("image", "image[]")]
    if not pictures:
        raise Refused(400, "Missing required parameter: 'image'.", "missing_required_parameter", param="image")
    if len(pictures) > MAX_IMAGES:
        raise Refused(400, f"Too many images: at most {MAX_IMAGES} are taken.", "too_many_images", param="image")
    for data, mime in pictures:
        if mime not in ("image/png", "image/webp", "image/jpeg"):
            words = f"Invalid file 'image': unsupported mimetype ('{mime}'). Supported are image/jpeg, png and webp."
            raise Refused(400, words, "unsupported_file_mimetype", param="image")
        if len(data) >= MAX_BYTES or size_of(data) is None:
            raise Refused(400, "Invalid image file or mode for image.", "invalid_image_file", param="image")
    extra = {name: data for name, data, _ in files if name in ("mask", "markup")}
    return _read(body, tuple(data for data, _ in pictures), extra)


def _read(body: Mapping[str, Any], pictures: tuple[bytes, ...], extra: Mapping[str, bytes] | None = None) -> Asked:
    name = body.get("model") or "gpt-image-2.6-sunburst"
    model = IMAGE_MODELS.get(name)
    if model is None:
        raise no_model(name)
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise Refused(400, "Missing required parameter: 'prompt'.", "missing_required_parameter", param="prompt")
    if len(prompt) > MAX_PROMPT:
        words = f"Invalid 'prompt': string too long. Expected at most {MAX_PROMPT} characters."
        raise Refused(400, words, "string_above_max_length", param="prompt")
    n, partials = body.get("n", 1), body.get("partial_images", 0)
    check_value("n", n, range(1, MAX_N + 1))
    check_value("partial_images", partials, range(4))
    quality, background = body.get("quality", "auto"), body.get("background", "auto")
    check_value("quality", quality, [*(q for q in model.tokens), "auto"])
    check_value("background", background, ("transparent", "opaque", "auto"))
    format = body.get("output_format", "png")
    check_value("output_format", format, FORMATS)
    if background == "transparent" and format == "jpeg":
        raise Refused(400, "Transparent background is not supported for output format 'jpeg'.", param="background")
    if "output_compression" in body:
        check_value("output_compression", body["output_compression"], range(101))
        if format == "png" and body["output_compression"] != 100:
            raise Refused(400, "Compression less than 100 is not supported for PNG output format.")
    check_value("moderation", body.get("moderation", "auto"), ("auto", "low"))
    if "input_fidelity" in body and body["input_fidelity"] not in model.fidelity:
        words = f"The model '{name}' does not support the 'input_fidelity' parameter."
        raise Refused(400, words, "invalid_input_fidelity_model", param="input_fidelity")
    if "complexity" in body:
        check_value("complexity", body["complexity"], QUALITIES if model.complexity else ())
    width, height = _size(body.get("size", "auto"), model, pictures)
    return Asked(
        name, prompt, (width, height), model.made(quality, width, height) * n, n, quality, background, format,
        bool(body.get("stream")), partials, pictures, _mask(model, pictures, extra or {}), bool(pictures),
    )  # fmt: skip


def _size(size: object, model: ImageModel, pictures: tuple[bytes, ...]) -> tuple[int, int]:
    if size == "auto":
        width, height = (size_of(pictures[0]) if pictures else None) or (1, 1)
        return (1024, 1024) if width == height else (1536, 1024) if width > height else (1024, 1536)
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(size))
    why = "It must be written like '1024x1024'."
    if found:
        width, height = int(found[1]), int(found[2])
        why = size_fault(model, width, height) or "" if width and height else why
    if why:
        raise Refused(400, f"Invalid value: '{size}'. {why}", "invalid_value", param="size")
    return width, height


def _mask(model: ImageModel, pictures: tuple[bytes, ...], extra: Mapping[str, bytes]) -> bytes | None:
    """Return the mask as our own drawing reads it: white where the given one is transparent."""
    if "markup" in extra and ("mask" in extra or not model.markup):
        raise Refused(400, "'markup' is not supported by this model, or together with 'mask'.", param="markup")
    if "mask" not in extra:
        return None
    mask = extra["mask"]
    wrong = len(mask) >= MAX_MASK_BYTES or not mask.startswith(b"\x89PNG") or size_of(mask) is None
    if wrong:
        raise Refused(400, "Invalid mask: a PNG of less than 4 MB is needed.", "invalid_image_file", param="mask")
    if size_of(mask) != size_of(pictures[0]):
        words = "Invalid input image: the mask must have the same size as the image."
        raise Refused(400, words, "invalid_image_file", param="mask")
    with Image.open(io.BytesIO(mask)) as opened:
        if opened.mode not in ("RGBA", "LA", "PA") and "transparency" not in opened.info:
            raise Refused(400, "Invalid mask: it has no alpha channel.", "invalid_image_file", param="mask")
        return encode(ImageChops.invert(opened.convert("RGBA").getchannel("A")), "png")
