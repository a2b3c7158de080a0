"""Small copies for a page: as large as there is room for, so that two hundred pictures fit into five megabytes."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.errors import ImagegenError
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.views.pictures import THUMBNAIL_PX, small_copy
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Artifact

ROOM = 2_900_000  # bytes of WebP; base64 makes 3.9 MB of them, and all else of a page has 1.1
SIZES = (384, 256, 192, 160, 128, 96, 64)
LARGE = 40  # so many pictures are decoded whole; beyond, the store's own small copies are taken
SAMPLE = 12


def small_copies(pictures: Sequence[Artifact], blobs: Blobs, room: int = ROOM) -> dict[str, bytes | str]:
    """Return {sha256: WebP} of ``pictures``, together at most ``room`` bytes; words where one cannot be read."""
    unique = list({picture.sha256: picture for picture in pictures}.values())
    sizes = [px for px in SIZES if px <= THUMBNAIL_PX or len(unique) <= LARGE]
    found: dict[str, bytes | str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for px in sizes:
            sample = unique[:: max(1, len(unique) // SAMPLE)][:SAMPLE]
            tried = [len(c) for c in threads.map(lambda p, px=px: _copy(p, px, blobs), sample) if isinstance(c, bytes)]
            if px != sizes[-1] and tried and sum(tried) / len(tried) * len(unique) > room:
                continue
            copies = threads.map(lambda p, px=px: _copy(p, px, blobs), unique)
            found = {picture.sha256: copy for picture, copy in zip(unique, copies, strict=True)}
            if sum(len(copy) for copy in found.values()) <= room:
                break
    return found


def as_source(copy: bytes) -> str:
    """Return a WebP file as the address of a picture inside the page."""
    return "data:image/webp;base64," + b64encode(copy).decode("ascii")


def _copy(picture: Artifact, px: int, blobs: Blobs) -> bytes | str:
    try:
        copy = small_copy(picture, max(px, THUMBNAIL_PX), blobs)
        if px >= THUMBNAIL_PX:
            return copy
        out = io.BytesIO()
        with Image.open(io.BytesIO(copy)) as image:
            shrink(image, px).save(out, "WEBP", quality=75, method=2)
        return out.getvalue()
    except (ImagegenError, OSError) as error:
        return f"the picture cannot be shown: {shortened(error, 160)}"
