"""The picture for a prompt of which no word is known: shapes and colours of its own, and the words set as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.providers.offline.backdrops import LIGHTS
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.draw import Canvas, Colour, mix
from imagegen_kit.providers.offline.signs import lettering

if TYPE_CHECKING:
    import numpy as np

PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((22, 42, 74), (238, 108, 77), (152, 193, 217), (224, 251, 252), (61, 90, 128)),
    ((47, 62, 70), (132, 169, 140), (202, 210, 197), (233, 196, 106), (82, 121, 111)),
    ((61, 26, 72), (239, 71, 111), (255, 209, 102), (255, 236, 214), (120, 60, 140)),
    ((38, 70, 83), (42, 157, 143), (233, 196, 106), (244, 240, 225), (231, 111, 81)),
    ((20, 33, 61), (252, 163, 17), (229, 229, 229), (255, 252, 242), (70, 96, 150)),
)
SHOWN = 90  # characters


def abstract(brief: Brief, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Return an abstract composition with the first words of the prompt: plainly a stand-in, not an attempt."""
    colours = PALETTES[int(rng.integers(len(PALETTES)))]
    c = Canvas(width, height, rng)
    dark, pale = colours[0], colours[3]
    c.gradient([(0, pale), (1, mix(pale, colours[2], 0.55))])
    for k in range(5):
        tone = colours[1:][k % 4] if k % 4 != 2 else colours[2]
        x, y, r = width * rng.uniform(0, 1), height * rng.uniform(0, 1), max(width, height) * rng.uniform(0.12, 0.3)
        c.disc(x, y, r, tone, 0.82)
        if rng.random() < 0.6:
            c.disc(x, y, r * 0.62, mix(tone, pale, 0.35), 0.75)
    for level in (0.74, 0.84):
        c.below(c.wave(height * level, height * 0.16, 1.1), mix(dark, colours[4], level - 0.3), 0.9)
    text = " ".join(brief.prompt.split())
    text = text if len(text) <= SHOWN else text[: SHOWN - 1].rstrip() + "…"
    if text.strip() and min(width, height) >= 48:
        wide, high = int(width * 0.74), int(height * 0.36)
        x, y = (width - wide) // 2, (height - high) // 2
        pad = int(c.unit * 0.05)
        c.rect(x - pad, y - pad, x + wide + pad, y + high + pad, pale, 0.94, c.unit * 0.03)
        words = lettering(text, wide, high, dark, 5)
        c.image.paste(words, (x, y), words)
    light = LIGHTS[brief.scene.light]
    return (
        Image.blend(c.image, Image.new("RGB", c.image.size, light.veil), light.strength * 0.4)
        if brief.scene.light
        else c.image
    )
