"""Drawings that each break one rule of a sketch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests import corpus

PAPER, INK = 252, 40


def sketch() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """The good drawing in grey, 1024 pixels, and a pen for it."""
    image = corpus.drawing().convert("L")
    return image, ImageDraw.Draw(image)


def on_paper(level: int) -> Image.Image:
    return corpus.drawing(paper=(level, level, level))


def speck() -> Image.Image:
    image = Image.new("L", (1024, 1024), PAPER)
    ImageDraw.Draw(image).ellipse((500, 500, 550, 550), outline=INK, width=14)
    return image


def smudged(size: int) -> Image.Image:
    """A soft grey stain beside the figure."""
    image, _ = sketch()
    stain = Image.new("L", image.size)
    ImageDraw.Draw(stain).ellipse(
        (840 - size / 2, 800 - size / 2, 840 + size / 2, 800 + size / 2), fill=255 * (size > 0)
    )
    image.paste(190, mask=stain.filter(ImageFilter.GaussianBlur(6)))
    return image


def framed() -> Image.Image:
    image, pen = sketch()
    pen.rectangle((0, 0, 1023, 1023), outline=INK, width=18)
    return image


def filled(level: int) -> Image.Image:
    """The head in one shade."""
    image, _ = sketch()
    ImageDraw.floodfill(image, (300, 450), level, thresh=30)
    return image


def patched() -> Image.Image:
    image, pen = sketch()
    pen.rectangle((450, 230, 560, 340), fill=INK)
    return image


def grained(strength: float) -> Image.Image:
    grey = np.asarray(corpus.drawing(side=512, paper=(240, 240, 240)).convert("L"), dtype=np.float64)
    grain = np.random.default_rng(5).standard_normal(grey.shape) * strength
    return Image.fromarray((grey + grain).clip(0, 255).astype(np.uint8))


def hatched() -> Image.Image:
    return corpus.drawing(hatching=45)


def latticed() -> Image.Image:
    """Very many thick lines."""
    image = Image.new("L", (1024, 1024), PAPER)
    pen = ImageDraw.Draw(image)
    for at in range(200, 825, 48):
        pen.line((at, 200, at, 824), fill=INK, width=12)
        pen.line((200, at, 824, at), fill=INK, width=12)
    return image


def dotted(count: int) -> Image.Image:
    """Dots of six pixels around the figure."""
    image, pen = sketch()
    places = [(x, y) for x in range(60, 1000, 34) for y in (70, 104, 138, 960)]
    for x, y in places[:count]:
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=INK)
    return image


BREAKS: Mapping[str, Callable[[], Image.Image]] = {
    "ink": speck,
    "greyscale": lambda: corpus.drawing(ink=(160, 20, 20)),
    "paper": lambda: on_paper(220),
    "background": lambda: smudged(200),
    "rim": framed,
    "shading": lambda: filled(205),
    "solid_ink": patched,
    "texture": lambda: grained(4),
    "outline_width": lambda: corpus.drawing(width=36),
    "thin_lines": hatched,
    "detail": latticed,
    "pieces": lambda: dotted(112),
}
