"""What scripted models of the tests of recipes answer."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from imagegen_kit.types import Reply
from tests.grids import draw


def png(image):
    """Return ``image`` as a file."""
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def grid(seed=1):
    """Return a grid of two by two as a file."""
    return png(draw(size=(256, 256), kinds=["noise"], seed=seed, row_gaps=[8], col_gaps=[8], border=(6,) * 4).image)


async def as_asked(script, request, on_progress, *, grid=grid):
    """Draw a selfie, or a grid where a reference is given."""
    made = grid(len(request.prompt)) if request.references and grid else png(Image.new("RGB", (64, 64)))
    return Reply(pictures=(made,))


async def gradient(script, request, on_progress):
    """Draw something that is not blank, another one for each prompt and size."""
    size = request.size.pixels() if request.size else (64, 64)
    ramp = Image.linear_gradient("L").rotate(len(request.prompt) % 4 * 90).resize(size)
    tone = len(request.prompt) % 256
    return Reply(pictures=(png(Image.merge("RGB", (ramp, ramp, Image.new("L", size, tone)))),))
