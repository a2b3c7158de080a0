"""A film's poster: its first frame that shows something, small, with the sign that it can be played."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageStat

from imagegen_kit.film.reading import facts_of, first_frame, frame_at
from imagegen_kit.imaging.thumbnail import shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

PX = 256  # like the store's other thumbnails
EVEN = 6.0  # levels by which the shades of a frame that shows nothing differ
LATER = (0.1, 0.25, 0.5)  # shares of the length at which a film that begins black is looked at


def poster(data: bytes, px: int = PX, *, marked: bool = True) -> bytes:
    """Return a WebP picture of a film, its longer side at most ``px`` pixels; ``marked`` with a play sign.

    Raises InvalidInput for a film that cannot be read, MissingDependency without PyAV.
    """
    small = shrink(showing_frame(data), px)
    if marked:
        small = _marked(small)
    out = BytesIO()
    small.save(out, "WEBP", quality=75, method=0)
    return out.getvalue()


def showing_frame(data: bytes) -> Image.Image:
    """Return the first frame, or a later one where the film begins with an even colour."""
    frame = first_frame(data)
    if _shows(frame):
        return frame
    seconds = facts_of(data).seconds
    later = (frame_at(data, share * seconds) for share in LATER)
    return next(filter(_shows, later), frame)


def _shows(frame: Image.Image) -> bool:
    spread: Sequence[float] = ImageStat.Stat(shrink(frame, 64)).stddev
    return max(spread) > EVEN


def _marked(picture: Image.Image) -> Image.Image:
    """Return ``picture`` with a white triangle on a dark disc in the middle, as players show it."""
    picture = picture.convert("RGB")
    side = max(12, round(min(picture.size) * 0.24))
    sign = Image.new("L", (side * 4, side * 4))  # drawn large and made small: smooth edges
    draw = ImageDraw.Draw(sign)
    draw.ellipse((0, 0, side * 4 - 1, side * 4 - 1), fill=255)
    disc = sign.resize((side, side), Image.Resampling.LANCZOS).point(lambda v: v * 0.6)
    sign.paste(0, (0, 0, *sign.size))
    a = side * 4
    draw.polygon([(a * 0.39, a * 0.28), (a * 0.39, a * 0.72), (a * 0.75, a * 0.5)], fill=255)
    triangle = sign.resize((side, side), Image.Resampling.LANCZOS)
    at = ((picture.width - side) // 2, (picture.height - side) // 2)
    picture.paste((20, 20, 20), at, disc)
    picture.paste((255, 255, 255), at, triangle)
    return picture
