"""Pictures on their way in and out: references as a template wants them, and what came back as sound bytes."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, InvalidReply
from imagegen_kit.imaging.containers import Crowded, Cut, survey
from imagegen_kit.imaging.decode import peek
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.providers.job_api.asked import SINGLE
from imagegen_kit.providers.job_api.templates import File

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagegen_kit.types import Artifact, ImageRequest, VideoRequest


async def picture_values(
    request: ImageRequest | VideoRequest, names: set[str], upload: Callable[[File], Awaitable[str]]
) -> dict[str, Any]:
    """Return the values of those placeholders among ``names`` that stand for pictures of the request."""
    values: dict[str, Any] = {}
    for name in names:
        which, _, form = name.partition(".")
        if which in SINGLE:
            given = [one] if (one := getattr(request, which, None)) is not None else []
        elif which == "references":
            given = [reference.picture for reference in request.references]
        elif which.startswith("reference"):
            number = int(which.removeprefix("reference") or 1)
            given = [reference.picture for reference in request.references[number - 1 : number]]
        else:
            continue
        files = [await asyncio.to_thread(_file, picture, f"{which}-{n}") for n, picture in enumerate(given, 1)]
        found = [
            await upload(file) if form == "url" else await asyncio.to_thread(as_sent, file, form) for file in files
        ]
        values[name] = found if which == "references" else found[0] if found else None
    return values


def _file(picture: Artifact, name: str) -> File:
    suffix = "jpg" if picture.format == "jpeg" else picture.format
    return File(f"{name}.{suffix}", f"image/{picture.format}", open_picture(picture).bytes)


def as_sent(file: File, form: str) -> Any:
    """Return a file as ``file``, ``b64`` or ``data_uri``."""
    if form == "file":
        return file
    text = base64.b64encode(file.data).decode("ascii")
    return text if form == "b64" else f"data:{file.type};base64,{text}"


def decoded(text: str, *, model: str) -> bytes:
    """Return the bytes in base64 text or a data URI. Raises InvalidReply where there are none."""
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise InvalidReply(f"{model}: the picture is a data URI that is not base64", model=model)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidReply(f"{model}: the picture's base64 is damaged or cut off", model=model) from error


def sound(data: bytes, *, model: str) -> bytes:
    """Return ``data`` if it is a whole PNG, JPEG or WebP file, else raise InvalidReply. Pixels are decoded later."""
    try:
        survey(data, peek(data, where=f"{model}: the picture that came back")[0])
    except InvalidInput as error:
        raise InvalidReply(str(error), model=model) from error
    except Crowded as error:
        what = f"{model}: the picture that came back is cut into more parts than any program writes"
        raise InvalidReply(what, model=model) from error
    except Cut as error:
        what = f"{model}: the picture that came back ends too early: {error}"
        raise InvalidReply(what, model=model) from error
    return data


def sound_film(data: bytes, *, model: str) -> bytes:
    """Return ``data`` if it begins as an MP4 or WebM file and its boxes are all there, else raise InvalidReply."""
    if data.startswith(b"\x1aE\xdf\xa3"):  # WebM does not say how long it is
        return data
    if data[4:8] != b"ftyp":
        raise InvalidReply(f"{model}: what came back is no MP4 or WebM film", model=model)
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:  # 0: the box reaches to the end of the file
            at = len(data) if length == 0 else len(data) + 1
            break
        at += length
    if at != len(data):
        raise InvalidReply(f"{model}: the film that came back ends too early", model=model)
    return data
