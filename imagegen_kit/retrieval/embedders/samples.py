"""Twelve drawn pictures, always the same, to compare towers on where nobody gives better ones."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter

_COLOURS = ("#c0392b", "#2471a3", "#27ae60", "#f1c40f", "#8e44ad", "#34495e")


def sample_pictures() -> list[Image.Image]:
    """Return twelve RGB pictures of 256 × 256 pixels: shapes on flowing colours, half of them blurred."""
    return [_drawn(number) for number in range(12)]


def _drawn(number: int) -> Image.Image:
    above, below, ink = (_COLOURS[(number + step) % len(_COLOURS)] for step in (0, 2, 3))
    flow = Image.linear_gradient("L").rotate(90 * (number % 4))
    picture = Image.composite(Image.new("RGB", flow.size, above), Image.new("RGB", flow.size, below), flow)
    pen = ImageDraw.Draw(picture)
    for step in range(1 + number % 5):
        left, upper = (37 * (number + 2 * step)) % 180, (53 * (number + step)) % 180
        box = (left, upper, left + 40 + 8 * number, upper + 60)
        (pen.ellipse if (number + step) % 2 else pen.rectangle)(box, fill=ink, outline="white", width=3)
    return picture.filter(ImageFilter.GaussianBlur(3)) if number % 2 else picture
