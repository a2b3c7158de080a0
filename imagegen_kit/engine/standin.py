"""Placeholders: drawn on this machine, marked as such, never cached and never scored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.placeholder import placeholder
from imagegen_kit.imaging.thumbnail import thumbnail

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Result, Size


async def draw_placeholder(engine: Engine, failed: Result) -> Result:
    """Return ``failed`` with a placeholder picture in the asked size; its error and its cost stay."""
    size: Size | None = getattr(failed.request, "size", None)
    width, height = size.pixels() if size is not None else (1024, 1024)
    picture = await engine.in_thread(_draw, engine.store.blobs, width, height, failed)
    return replace(failed, status="placeholder", artifacts=(picture,))


def _draw(blobs: Blobs, width: int, height: int, failed: Result) -> Picture:
    data = placeholder(
        width, height, reason=failed.error or "", model=failed.request.model, prompt=failed.request.prompt
    )
    digest = hashlib.sha256(data).hexdigest()
    path = blobs.put(data, digest, "png")
    blobs.put_thumbnail(digest, thumbnail(open_sound(data)))
    return Picture(digest, format="png", width=width, height=height, size_bytes=len(data), path=str(path))
