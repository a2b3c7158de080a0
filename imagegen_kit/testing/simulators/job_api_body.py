"""Reads what a client sent to a simulated job service, and refuses what the real one would refuse."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators.drawing import size_of as size_of_picture
from imagegen_kit.types import RESOLUTIONS, Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from imagegen_kit.testing.simulators.job_api_facts import Door

ANY = "*"  # in ``Door.takes``: further fields are options of the model
WHOLE = ("seed", "width", "height", "num_images", "n")
SIDE = 512  # of the square that is drawn where nothing is asked


class Unfit(Exception):
    """The body is not what the service takes; the text says why, in the service's manner."""


async def body_of(request: Request, door: Door) -> Any:
    """Return the body as data; files of a multipart body as bytes."""
    sent = request.headers.get("content-type", "").partition(";")[0]
    if door.form == "json":
        if sent != "application/json":
            raise Unfit(f"Content-Type must be application/json, not {sent or 'missing'}")
        try:
            return json.loads(await request.body())
        except ValueError as error:
            raise Unfit("body is not JSON") from error
    if sent != "multipart/form-data":
        raise Unfit(f"Content-Type must be multipart/form-data, not {sent or 'missing'}")
    found: dict[str, Any] = {}
    form = await request.form()
    for name, value in form.multi_items():
        one = value if isinstance(value, str) else await value.read()
        found[name] = one if name not in found or not name.endswith("[]") else [*_list(found[name]), one]
    await form.close()
    return found


def fields_of(body: Any, door: Door, uploads: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the body's fields by their dotted names, pictures as bytes. Raises Unfit as the service would."""
    if not isinstance(body, dict):
        raise Unfit("body must be an object")
    flat = dict(_flat(body, ""))
    if unknown := sorted(name for name in flat if name not in door.takes and ANY not in door.takes):
        raise Unfit(f"unexpected field: {', '.join(unknown)}")
    if missing := sorted(name for name in door.needs if flat.get(name) in (None, "", [])):
        raise Unfit(f"field required: {', '.join(missing)}")
    for name, value in flat.items():
        last = name.rpartition(".")[2]
        if value is None:
            raise Unfit(f"{name}: null is not allowed")
        if last in WHOLE and (door.form == "json") and type(value) is not int:
            raise Unfit(f"{name}: value is not a valid integer")
        if last in WHOLE and not str(value).lstrip("-").isdigit():
            raise Unfit(f"{name}: value is not a valid integer")
        if _is_picture(last):
            flat[name] = _pictures(name, value, uploads)
    return {**_read(flat, door), **flat}


def _read(flat: Mapping[str, Any], door: Door) -> dict[str, Any]:
    """Return what stands in fields that have names of their own, by the usual names."""
    found: dict[str, Any] = {}
    for name, form in door.reads.items():
        if name in flat and (match := re.fullmatch(form, str(flat[name]), re.DOTALL)):
            found |= match.groupdict()
    return found


def _flat(value: Mapping[str, Any], before: str) -> Any:
    for name, one in value.items():
        if isinstance(one, dict) and one:
            yield from _flat(one, f"{before}{name}.")
        else:
            yield before + name, one


def _is_picture(name: str) -> bool:
    word = name.rstrip("[]").rstrip("0123456789_")
    return word in (
        "image",
        "images",
        "image_url",
        "image_urls",
        "image_input",
        "input_image",
        "init_images",
        "last_image",
        "mask",
    ) or (name == "base64Data")


def _pictures(name: str, value: Any, uploads: Mapping[str, bytes]) -> Any:
    """Return the bytes of a picture field, given as file, address, data URI or base64."""
    if isinstance(value, list):
        return [_pictures(name, one, uploads) for one in value]
    if isinstance(value, str) and value.startswith("http"):
        if value not in uploads:
            raise Unfit(f"{name}: the file cannot be fetched")
        return uploads[value]
    data = value
    if isinstance(value, str):
        try:
            data = base64.b64decode(value.partition(",")[2] if value.startswith("data:") else value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unfit(f"{name}: invalid base64") from error
    if not isinstance(data, bytes) or size_of_picture(data) is None:
        raise Unfit(f"{name}: not an image")
    return data


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def pictures_in(values: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the pictures that the fields hold, masks left out."""
    found = [value for name, value in values.items() if _is_picture(name.rpartition(".")[2]) and name != "mask"]
    return tuple(one for value in found for one in _list(value))


def size_of(values: Mapping[str, Any]) -> tuple[int, int]:
    """Return the (width, height) that the fields ask for."""
    named = {name.rpartition(".")[2]: value for name, value in values.items()}
    if "width" in named and "height" in named:
        return int(named["width"]), int(named["height"])
    if text := str(named.get("size", "")).replace("*", "x"):
        size = Size.parse(text)
        return size.pixels(SIDE) if size is not None else (SIDE, SIDE)
    ratio = named.get("aspect_ratio") or named.get("aspectRatio")
    resolution = named.get("resolution")
    if ratio or resolution in RESOLUTIONS:
        return Size(ratio=ratio, resolution=resolution if resolution in RESOLUTIONS else None).pixels(SIDE)
    return SIDE, SIDE
