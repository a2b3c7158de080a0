"""What a judge sees of a picture: its pixels, and nothing that was ever written beside them."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.thumbnail import shrink

if TYPE_CHECKING:
    from imagegen_kit.store import Blobs

MOST_PX = 1024  # the longer side: models look at no more, and their price goes by the pixels


def seen(image: Image.Image) -> Image.Image:
    """Return ``image`` in RGB on white, its longer side at most 1024 pixels, without any metadata."""
    small = flatten(shrink(image, MOST_PX))
    return Image.frombytes("RGB", small.size, small.tobytes())  # a new picture: nothing of the old one's info


def kept(image: Image.Image, blobs: Blobs) -> Picture:
    """Store what ``seen`` gives as PNG, and return it by its hash: the file's name says nothing either."""
    out = BytesIO()
    image.save(out, "PNG", compress_level=4)
    data = out.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    path = blobs.put(data, digest, "png")
    return Picture(digest, "picture", "png", image.width, image.height, len(data), path=str(path))
