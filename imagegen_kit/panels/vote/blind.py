"""Copies of pictures that say nothing of where they came from: one format, one size, one quality, no metadata."""

from __future__ import annotations

import contextlib
import io
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageCms

from imagegen_kit.errors import ImagegenError
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.types import Artifact

if TYPE_CHECKING:
    from imagegen_kit.experiments.pairing import Contender
    from imagegen_kit.store import Blobs

SIDE_PX = 1024  # the longer side of every copy, also of smaller pictures: the number of pixels tells a model too
QUALITY = 85
UNREADABLE = (ImagegenError, OSError)
KEPT = 12  # copies in memory: a few pairs, at 150 kB a picture


class BlindCopies:
    """Makes WebP copies of a run's pictures on white, in sRGB, and keeps the last.

    ``side``: pixels of the longer side, None 1024. ``thumbnails``: the run came without its pictures, so that their
    thumbnails stand for them.
    """

    def __init__(self, blobs: Blobs, *, side: int | None = None, thumbnails: bool = False) -> None:
        self._blobs, self._side, self._thumbnails = blobs, SIDE_PX if side is None else side, thumbnails
        self.of = lru_cache(KEPT)(self._copy)

    def _copy(self, one: Contender) -> bytes:
        """Return the copy of a picture. Raises ImagegenError or OSError where it cannot be read."""
        return self.sized(one, self._side)

    def sized(self, one: Contender, side: int) -> bytes:
        """Return a copy whose longer side is ``side`` pixels, not kept. Raises ImagegenError or OSError."""
        return _webp(_fitted(self._image(one), side), QUALITY)

    def _image(self, one: Contender) -> Image.Image:
        path = self._blobs.path(one.sha256, one.format)
        small = self._blobs.thumbnail(one.sha256) if self._thumbnails and not path.is_file() else None
        if small is not None:
            return Image.open(io.BytesIO(small))
        return open_picture(Artifact(one.sha256, format=one.format, path=str(path))).image


def smaller(copy: bytes, px: int) -> bytes:
    """Return a copy of a blind copy whose longer side is ``px`` pixels."""
    return _webp(_fitted(Image.open(io.BytesIO(copy)), px), 75)


def _webp(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=0)
    return out.getvalue()


def _fitted(image: Image.Image, side: int) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = flatten(image)
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a profile that cannot be used changes nothing
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # From the pixels alone: whatever else the picture knew of itself stays behind.
    fitted = image.resize(size, Image.Resampling.LANCZOS) if image.size != size else image
    return Image.frombytes("RGB", fitted.size, fitted.tobytes())
