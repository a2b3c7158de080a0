"""The places at and under water, in the air and in space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imagegen_kit.providers.offline.backdrops import Ground, Light, cloud, sky, stars
from imagegen_kit.providers.offline.draw import Canvas, Colour, mix


def beach(c: Canvas, light: Light) -> Ground:
    """Paint sea, surf and sand."""
    h, w = c.height, c.width
    sky(c, light, 0.48)
    deep, shallow = light.near((26, 118, 172), 0.12), light.near((96, 204, 212))
    c.gradient([(0, deep), (1, shallow)], h * 0.46, h * 0.74)
    for _ in range(34):
        y = h * c.rng.uniform(0.47, 0.66)
        length = w * c.rng.uniform(0.03, 0.1) * (y / h)
        x = c.rng.uniform(0, w)
        c.rect(x, y, x + length, y + max(1, h * 0.003), mix(shallow, light.sky[2], 0.75), 0.7)
    shore = c.wave(h * 0.69, h * 0.05, 0.7)
    c.below(shore - h * 0.014, (255, 255, 255), 0.85)
    c.below(shore, light.near((216, 190, 140)))
    c.below(shore + h * 0.03, light.near((240, 216, 164)))
    for _ in range(60):
        c.disc(c.rng.uniform(0, w), h * c.rng.uniform(0.8, 1), c.unit * 0.0025, light.near((205, 176, 124)))
    return Ground(0.88)


def sea(c: Canvas, light: Light) -> Ground:
    """Paint open water; the waves before a ship come later."""
    h = c.height
    sky(c, light, 0.56)
    c.gradient([(0, light.near((58, 140, 186), 0.25)), (1, light.near((16, 78, 130)))], h * 0.54)
    for level, far in ((0.6, 0.3), (0.66, 0.2), (0.73, 0.1)):
        c.below(c.wave(h * level, h * 0.018, 5), light.near((34, 118, 172), far), 0.7)
    return Ground(0.8, 0.0, sinks=0.07)


def sea_front(c: Canvas, light: Light, level: float) -> None:
    """Paint the waves before a ship whose keel is at ``level`` (a share of the height)."""
    h = c.height
    for step, colour in ((-0.03, (46, 134, 186)), (0.03, (26, 104, 160)), (0.1, (16, 78, 132))):
        crest = c.wave(h * (level + step), h * 0.022, 6)
        c.below(crest - max(1.0, h * 0.004), mix(light.near(colour), (255, 255, 255), 0.55), 0.9)
        c.below(crest, light.near(colour))


def underwater(c: Canvas, light: Light) -> Ground:
    """Paint blue depth with rays, weeds and bubbles."""
    h, w = c.height, c.width
    c.gradient([(0, light.near((92, 206, 224))), (0.5, light.near((26, 136, 190))), (1, light.near((10, 62, 122)))])
    for _ in range(5):
        x, width = w * c.rng.uniform(0, 1), w * c.rng.uniform(0.05, 0.12)
        lean = w * c.rng.uniform(-0.2, 0.2)
        c.polygon(
            [(x, -5), (x + width, -5), (x + width * 2 + lean, h * 0.85), (x - width + lean, h * 0.85)],
            (200, 245, 250),
            0.13,
        )
    c.below(c.wave(h * 0.86, h * 0.05, 1.6), light.near((196, 178, 128), 0.2))
    for x in np.linspace(0, w, 12):
        foot, high = h * c.rng.uniform(0.9, 1.0), h * c.rng.uniform(0.08, 0.24)
        sway = [(x + np.sin(t * 5 + x) * w * 0.012, foot - high * t) for t in np.linspace(0, 1, 9)]
        c.line(sway, light.near((40, 140, 96) if c.rng.random() < 0.7 else (220, 110, 110)), c.unit * 0.014)
    for _ in range(24):
        x, y, r = c.rng.uniform(0, w), c.rng.uniform(0, h * 0.85), c.unit * c.rng.uniform(0.004, 0.013)
        c.disc(x, y, r, (225, 250, 252), 0.45)
        c.disc(x, y, r * 0.72, (120, 200, 220), 0.5)
    return Ground(0.86, 0.12, floats=True)


def air(c: Canvas, light: Light) -> Ground:
    """Paint the sky alone."""
    sky(c, light, 1.0)
    for _ in range(5):
        cloud(
            c,
            c.width * c.rng.uniform(0, 1),
            c.height * c.rng.uniform(0.72, 1.0),
            c.rng.uniform(0.5, 0.8),
            mix(light.sky[2], (255, 255, 255), 0.6),
            0.8,
        )
    return Ground(0.8, 0.0, floats=True)


def space(c: Canvas, light: Light) -> Ground:
    """Paint stars, nebulae and a planet."""
    h, w = c.height, c.width
    tone: Colour = ((30, 16, 62), (10, 28, 66), (48, 14, 52))[int(c.rng.integers(3))]
    c.gradient([(0, (6, 7, 22)), (0.6, tone), (1, (12, 12, 36))])
    for colour in ((150, 70, 190), (50, 110, 210), (220, 90, 140)):
        c.glow(w * c.rng.uniform(0, 1), h * c.rng.uniform(0.1, 0.9), c.unit * c.rng.uniform(0.4, 0.7), colour, 0.4, 0.6)
    stars(c, 170, 1.0)
    x, y, r = w * c.rng.choice([0.14, 0.86]), h * c.rng.uniform(0.14, 0.26), c.unit * 0.1
    c.disc(x, y, r, (226, 150, 96))
    c.disc(x - r * 0.25, y - r * 0.25, r * 0.72, (240, 178, 122), 0.5)
    return Ground(0.8, 0.0, floats=True)


def moon(c: Canvas, light: Light) -> Ground:
    """Paint a cratered ground under the earth."""
    h, w = c.height, c.width
    c.gradient([(0, (5, 6, 18)), (1, (22, 26, 52))])
    stars(c, 140, 0.7)
    x, y, r = w * c.rng.choice([0.18, 0.8]), h * 0.2, c.unit * 0.1
    c.glow(x, y, r * 2.4, (110, 170, 255), 0.5)
    c.disc(x, y, r, (52, 120, 200))
    c.disc(x - r * 0.2, y - r * 0.1, r * 0.42, (92, 170, 96))
    c.disc(x + r * 0.4, y + r * 0.35, r * 0.26, (92, 170, 96))
    c.below(c.wave(h * 0.62, h * 0.07, 1.4, 0.3), (112, 114, 124))
    c.below(c.wave(h * 0.7, h * 0.03, 0.9), (158, 160, 168))
    for _ in range(9):
        x, y, r = c.rng.uniform(0, w), h * c.rng.uniform(0.75, 0.97), c.unit * c.rng.uniform(0.02, 0.06)
        c.disc(x, y, r, (124, 126, 134), 1, 0.35)
        c.disc(x, y + r * 0.08, r * 0.85, (142, 144, 152), 1, 0.33)
    return Ground(0.86, 0.4)


AROUND: dict[str, Callable[[Canvas, Light], Ground]] = {
    "beach": beach,
    "sea": sea,
    "underwater": underwater,
    "sky": air,
    "space": space,
    "moon": moon,
}
