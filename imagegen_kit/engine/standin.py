"""Placeholders: drawn or taken from this machine, marked as such, never cached and never scored."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.placeholder import placeholder
from imagegen_kit.imaging.thumbnail import thumbnail

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Result, Size


async def stand_in(engine: Engine, failed: Result, wanted: bool | str) -> Result:
    """Return ``failed`` with a placeholder: drawn in the asked size, or the file ``wanted`` as it is.

    Its error and its cost stay. Where the file is gone by now, one is drawn.
    """
    if isinstance(wanted, str):
        with contextlib.suppress(InvalidInput):
            return replace(failed, status="placeholder", artifacts=(await engine.in_thread(_take, engine, wanted),))
    size: Size | None = getattr(failed.request, "size", None)
    width, height = size.pixels() if size is not None else (1024, 1024)
    picture = await engine.in_thread(_draw, engine.store.blobs, width, height, failed)
    return replace(failed, status="placeholder", artifacts=(picture,))


def _take(engine: Engine, path: str) -> Picture:
    return _kept(engine.store.blobs, Picture.open(path, where="placeholder").bytes)


def _draw(blobs: Blobs, width: int, height: int, failed: Result) -> Picture:
    data = placeholder(
        width, height, reason=failed.error or "", model=failed.request.model, prompt=failed.request.prompt
    )
    return _kept(blobs, data)


def _kept(blobs: Blobs, data: bytes) -> Picture:
    picture = Picture.from_bytes(data)
    path = blobs.put(data, picture.sha256, picture.format)
    blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))
    return replace(picture, path=str(path), data=None)
