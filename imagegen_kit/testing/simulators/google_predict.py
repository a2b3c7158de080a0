"""What Imagen's ``:predict`` and Veo's ``:predictLongRunning`` take and refuse (Enterprise mode)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imagegen_kit.testing.simulators.drawing import size_of
from imagegen_kit.testing.simulators.google_errors import Refused, check_names, checked_seed, other_form
from imagegen_kit.testing.simulators.google_models import IMAGEN_MODELS, IMAGEN_RATIOS, VEO_MODELS, pixels
from imagegen_kit.testing.simulators.replies import decoded, strict

IMAGEN_USD = {"imagen-4.0-fast-generate-001": 0.02, "imagen-4.0-ultra-generate-001": 0.06}  # a picture; others 0.04
VEO_USD = {"veo-3.1-fast-generate-001": 0.10, "veo-3.1-lite-generate-001": 0.05}  # a second at 720p; others 0.40
IMAGEN_PARAMETERS = (
    "sampleCount", "aspectRatio", "seed", "negativePrompt", "includeRaiReason", "outputOptions", "sampleImageSize",
    "personGeneration", "safetySetting", "enhancePrompt", "addWatermark", "includeSafetyAttributes", "language",
)  # fmt: skip
VEO_PARAMETERS = (
    "sampleCount", "durationSeconds", "seed", "aspectRatio", "resolution", "personGeneration", "negativePrompt",
    "enhancePrompt", "generateAudio", "storageUri", "fps",
)  # fmt: skip
VEO_INSTANCE = ("prompt", "image", "lastFrame", "video", "referenceImages")
VEO_HEIGHTS = {"720p": 720, "1080p": 1080, "4k": 2160}
MAX_VEO_REFERENCES = 3


@dataclass(frozen=True, slots=True)
class Predicted:
    """A call that is taken; ``usd`` is the price of one picture, or of the whole film."""

    model: str
    prompt: str
    pixels: tuple[int, int]
    usd: float
    seed: int | None = None
    count: int = 1
    seconds: int = 0
    mime: str = "image/png"


@strict(other_form)
def read_imagen(model: str, body: object) -> Predicted:
    """Return what is asked of Imagen. Raises Refused as the service would."""
    if model not in IMAGEN_MODELS:
        raise Refused(404, f"Publisher Model `publishers/google/models/{model}` was not found.")
    instance, parameters = _split(body)
    check_names(" at 'instances[0]'", instance, ("prompt",))
    check_names(" at 'parameters'", parameters, IMAGEN_PARAMETERS)
    ratio, size = parameters.get("aspectRatio", "1:1"), parameters.get("sampleImageSize", "1K")
    count = parameters.get("sampleCount", 1)
    mime = (parameters.get("outputOptions") or {}).get("mimeType", "image/png")
    if ratio not in IMAGEN_RATIOS or size not in ("1K", "2K"):
        raise Refused(400, f"Invalid size: {ratio} at {size}.")
    if count not in (1, 2, 3, 4) or mime not in ("image/png", "image/jpeg"):
        raise Refused(400, f"Invalid value at 'parameters': {count} pictures as {mime}.")
    usd = IMAGEN_USD.get(model, 0.04)
    return Predicted(
        model,
        instance["prompt"],
        pixels(ratio, size),
        usd,
        checked_seed(parameters.get("seed"), "parameters.seed"),
        count,
        mime=mime,
    )


@strict(other_form)
def read_veo(model: str, body: object) -> Predicted:
    """Return what is asked of Veo. Raises Refused as the service would."""
    if model not in VEO_MODELS:
        raise Refused(404, f"Publisher Model `publishers/google/models/{model}` was not found.")
    instance, parameters = _split(body)
    check_names(" at 'instances[0]'", instance, VEO_INSTANCE)
    check_names(" at 'parameters'", parameters, VEO_PARAMETERS)
    references = instance.get("referenceImages") or []
    if len(references) > MAX_VEO_REFERENCES:
        raise Refused(400, f"Too many reference images: {model} takes at most {MAX_VEO_REFERENCES}.")
    if "lastFrame" in instance and "image" not in instance:
        raise Refused(400, "A last frame needs a first one.")
    for picture in (instance.get("image"), instance.get("lastFrame"), *(r.get("image") for r in references)):
        data = decoded((picture or {}).get("bytesBase64Encoded"))
        if picture is not None and (data is None or size_of(data) is None):
            raise Refused(400, "Unable to process input image.")
    ratio, resolution = parameters.get("aspectRatio", "16:9"), parameters.get("resolution", "720p")
    seconds = parameters.get("durationSeconds", 8)
    if ratio not in ("16:9", "9:16") or resolution not in VEO_HEIGHTS or seconds not in (4, 6, 8):
        raise Refused(400, f"Invalid film: {seconds} seconds, {ratio} at {resolution}.")
    short = VEO_HEIGHTS[resolution]
    size = (short * 16 // 9, short) if ratio == "16:9" else (short, short * 16 // 9)
    usd = VEO_USD.get(model, 0.40) * seconds
    return Predicted(
        model,
        str(instance.get("prompt", "")),
        size,
        usd,
        checked_seed(parameters.get("seed"), "parameters.seed"),
        seconds=seconds,
    )


def _split(body: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(body, Mapping):
        raise Refused(400, "Invalid JSON payload received. Expected an object.")
    check_names("", body, ("instances", "parameters"))
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1:
        raise Refused(400, "Invalid value at 'instances': exactly one is needed.")
    prompt = instances[0].get("prompt", "")
    if not isinstance(prompt, str) or not (prompt or instances[0].get("image")):
        raise Refused(400, "Invalid value at 'instances[0].prompt': it is empty.")
    return instances[0], body.get("parameters") or {}
