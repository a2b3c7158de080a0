"""Pictures as OpenAI takes them: named parts of a form for edits, data URIs for text models. Runs in threads."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

from imagegen_kit.errors import Fault, UnsupportedRequest
from imagegen_kit.imaging.decode import DAMAGE, DECODERS, orientation
from imagegen_kit.imaging.encode import encode
from imagegen_kit.imaging.picture import open_picture

if TYPE_CHECKING:
    from imagegen_kit.types import Artifact, ImageRequest, TextRequest

MAX_BYTES = 50 * 2**20
MAX_MASK_BYTES = 4 * 2**20
TAKEN = ("png", "webp", "jpeg")

Part = tuple[str, bytes, str]  # name, bytes and media type: without a name the service cannot tell the format


def edit_files(request: ImageRequest) -> dict[str, Any]:
    """Return ``image`` (one part, or a list of them) and, where the request has one, ``mask``.

    Raises UnsupportedRequest, naming all that is too large; nothing is sent then.
    """
    parts = [part(reference.picture, f"image-{number}") for number, reference in enumerate(request.references, 1)]
    faults = [
        _too_large(f"reference {number}", data, MAX_BYTES, request.model)
        for number, (_, data, _) in enumerate(parts, 1)
        if len(data) >= MAX_BYTES
    ]
    files: dict[str, Any] = {"image": parts if len(parts) > 1 else parts[0]}
    if request.mask is not None:
        mask = mask_png(request.mask)
        if len(mask) >= MAX_MASK_BYTES:
            faults.append(_too_large("mask", mask, MAX_MASK_BYTES, request.model))
        files["mask"] = ("mask.png", mask, "image/png")
    if faults:
        raise UnsupportedRequest(faults, model=request.model)
    return files


def part(artifact: Artifact, name: str) -> Part:
    """Return a picture as it lies on disk, or anew as PNG where the service could not read it or would turn it."""
    picture = open_picture(artifact)
    data, format = picture.bytes, picture.format
    if format not in TAKEN or _lies(data, format):  # the mask has the size of the picture as a person sees it
        data, format = encode(picture.image), "png"
    return f"{name}.{format}", data, f"image/{format}"


def _lies(data: bytes, format: str) -> bool:
    """Whether a picture is stored turned, and only its EXIF block says so."""
    try:
        return orientation(DECODERS[format](BytesIO(data))) != 1
    except DAMAGE:
        return False


def mask_png(mask: Artifact) -> bytes:
    """Return our mask (opaque white may change) as OpenAI's: a PNG that is transparent where the picture may change."""
    image = open_picture(mask).image.convert("RGBA")
    light = ImageChops.multiply(image.convert("L"), image.getchannel("A"))
    kept = light.point(lambda value: 0 if value >= 128 else 255)
    black = Image.new("L", image.size)
    out = BytesIO()
    Image.merge("RGBA", (black, black, black, kept)).save(out, "PNG")
    return out.getvalue()


def data_uris(request: TextRequest) -> list[str]:
    """Return the request's pictures as data URIs. Raises UnsupportedRequest, naming all that are too large."""
    parts = [part(reference.picture, "") for reference in request.references]
    faults = [
        _too_large(f"reference {number}", data, MAX_BYTES, request.model)
        for number, (_, data, _) in enumerate(parts, 1)
        if len(data) >= MAX_BYTES
    ]
    if faults:
        raise UnsupportedRequest(faults, model=request.model)
    return [f"data:{media};base64,{base64.b64encode(data).decode()}" for _, data, media in parts]


def _too_large(where: str, data: bytes, limit: int, model: str) -> Fault:
    what = f"it is {len(data) / 2**20:.1f} MB, and {model} takes less than {limit // 2**20} MB."
    return Fault(where, what, "Make it smaller, or save it as JPEG." if where != "mask" else "Make it simpler.")
