"""The places on land, painted with gradients and curves, and the light in which all places are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from imagegen_kit.providers.offline.draw import Canvas, Colour, mix


@dataclass(frozen=True, slots=True)
class Light:
    """How a time of day colours a place: the sky from top to bottom, distant haze, and a veil over near things."""

    sky: tuple[Colour, Colour, Colour]
    haze: Colour
    veil: Colour
    strength: float
    dark: bool = False

    def near(self, colour: Colour, far: float = 0.0) -> Colour:
        """Return ``colour`` as seen in this light; ``far`` from 0 (here) to 1 (at the horizon)."""
        return mix(mix(colour, self.veil, self.strength), self.haze, far)


LIGHTS: dict[str | None, Light] = {
    None: Light(((96, 176, 230), (160, 212, 242), (232, 245, 248)), (214, 234, 240), (255, 250, 235), 0.06),
    "sunset": Light(((72, 60, 122), (214, 96, 104), (255, 196, 120)), (250, 168, 118), (92, 36, 70), 0.34),
    "night": Light(((9, 14, 42), (24, 38, 88), (62, 84, 140)), (44, 62, 112), (16, 24, 66), 0.5, dark=True),
    "overcast": Light(((150, 164, 176), (186, 196, 204), (216, 222, 226)), (206, 213, 218), (128, 140, 152), 0.3),
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where subjects stand: ``level`` is the y of their feet as a share of the height."""

    level: float = 0.86
    shadow: float = 0.32  # how dark a shadow they throw
    floats: bool = False  # subjects hang in the middle (space, sky, under water)
    sinks: float = 0.0  # the share of a subject that the ground hides (boats in the sea)


def sky(c: Canvas, light: Light, horizon: float) -> None:
    """Paint the sky down to ``horizon`` (a share of the height) with its sun, moon, stars or clouds."""
    c.gradient([(0, light.sky[0]), (0.55, light.sky[1]), (1, light.sky[2])], 0, c.height * horizon + 2)
    x = c.width * c.rng.choice([0.16, 0.24, 0.78, 0.86])
    if light is LIGHTS["night"]:
        stars(c, 90, horizon * 0.9)
        y, r = c.height * c.rng.uniform(0.12, 0.2), c.unit * 0.06
        c.glow(x, y, r * 4, (190, 205, 255), 0.45)
        c.disc(x, y, r, (246, 243, 222))
        c.disc(x - r * 0.3, y - r * 0.2, r * 0.18, (226, 222, 196))
        c.disc(x + r * 0.28, y + r * 0.3, r * 0.13, (226, 222, 196))
    elif light is LIGHTS["sunset"]:
        y, r = c.height * horizon - c.unit * c.rng.uniform(0.05, 0.13), c.unit * 0.1
        c.glow(x, y, c.unit * 0.6, (255, 226, 150), 0.75)
        c.disc(x, y, r, (255, 240, 190))
        for _ in range(4):
            cloud(
                c,
                c.width * c.rng.uniform(0, 1),
                c.height * horizon * c.rng.uniform(0.2, 0.75),
                0.3,
                (246, 150, 130),
                0.35,
                0.16,
            )
    elif light is LIGHTS["overcast"]:
        for _ in range(6):
            cloud(
                c,
                c.width * c.rng.uniform(0, 1),
                c.height * horizon * c.rng.uniform(0.05, 0.5),
                0.42,
                (232, 236, 239),
                0.6,
            )
    else:
        y = c.height * c.rng.uniform(0.12, 0.2)
        c.glow(x, y, c.unit * 0.34, (255, 247, 205), 0.9)
        c.disc(x, y, c.unit * 0.062, (255, 236, 150))
        for _ in range(3):
            cloud(
                c,
                c.width * c.rng.uniform(0.05, 0.95),
                c.height * horizon * c.rng.uniform(0.12, 0.6),
                c.rng.uniform(0.16, 0.3),
                (255, 255, 255),
                0.85,
            )


def cloud(c: Canvas, x: float, y: float, size: float, colour: Colour, alpha: float, squash: float = 0.55) -> None:
    """Paint a cloud of a few discs, ``size`` a share of the shorter side."""
    r = c.unit * size * 0.32
    for dx, dy, share in ((-1.1, 0.15, 0.6), (-0.45, -0.25, 0.85), (0.3, -0.1, 1.0), (1.0, 0.2, 0.62), (0, 0.3, 0.8)):
        c.disc(x + dx * r, y + dy * r * squash * 1.6, r * share, colour, alpha * 0.75, squash)


def stars(c: Canvas, count: int, bottom: float) -> None:
    """Sprinkle stars above ``bottom`` (a share of the height)."""
    for _ in range(count):
        x, y = c.rng.uniform(0, c.width), c.rng.uniform(0, c.height * bottom)
        c.disc(x, y, max(0.6, c.unit * c.rng.uniform(0.0008, 0.0028)), (255, 252, 235), c.rng.uniform(0.4, 1))


def fir(c: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    """Paint a fir tree of three tiers with its foot at (x, foot)."""
    c.rect(x - height * 0.03, foot - height * 0.14, x + height * 0.03, foot, mix(colour, (70, 45, 30), 0.6))
    for tier, width in ((0.1, 0.27), (0.36, 0.22), (0.6, 0.16)):
        base = foot - height * tier
        c.polygon(
            [(x - height * width, base), (x + height * width, base), (x, base - height * 0.42)],
            mix(colour, (255, 255, 255), tier * 0.12),
        )


def tree(c: Canvas, x: float, foot: float, height: float, colour: Colour, trunk: Colour) -> None:
    """Paint a round tree with its foot at (x, foot)."""
    c.polygon(
        [
            (x - height * 0.05, foot),
            (x + height * 0.05, foot),
            (x + height * 0.025, foot - height * 0.55),
            (x - height * 0.025, foot - height * 0.55),
        ],
        trunk,
    )
    for dx, dy, r, share in (
        (-0.16, 0.56, 0.19, 0.0),
        (0.16, 0.58, 0.2, 0.06),
        (0, 0.76, 0.23, 0.1),
        (-0.05, 0.62, 0.2, 0.04),
    ):
        c.disc(x + dx * height, foot - dy * height, r * height, mix(colour, (255, 255, 220), share))


def meadow(c: Canvas, light: Light) -> Ground:
    """Paint green hills with trees and flowers."""
    h = c.height
    sky(c, light, 0.6)
    base = [(118, 178, 94), (126, 190, 92), (98, 168, 78), (82, 150, 68)][int(c.rng.integers(4))]
    for level, far, high in ((0.56, 0.62, 0.1), (0.63, 0.35, 0.08), (0.72, 0.08, 0.05)):
        c.below(c.wave(h * level, h * high, 1.3), light.near(base, far))
    for _ in range(3):
        tree(
            c,
            c.width * c.rng.choice([0.06, 0.12, 0.88, 0.94]) + c.rng.uniform(-30, 30),
            h * 0.68,
            h * c.rng.uniform(0.1, 0.18),
            light.near(mix(base, (40, 110, 60), 0.6), 0.2),
            light.near((110, 80, 55), 0.2),
        )
    c.gradient([(0, light.near(base, 0.06)), (1, light.near(mix(base, (40, 90, 40), 0.35)))], h * 0.78)
    _flowers(c, light, 0.8)
    return Ground(0.87)


def park(c: Canvas, light: Light) -> Ground:
    """Paint a lawn with a path and a row of trees."""
    h, w = c.height, c.width
    sky(c, light, 0.6)
    green = (112, 190, 88)
    for x in np.linspace(0, w, 9):
        tree(
            c,
            x + c.rng.uniform(-20, 20),
            h * 0.62,
            h * c.rng.uniform(0.2, 0.3),
            light.near((74, 148, 80), 0.3),
            light.near((120, 90, 64), 0.3),
        )
    c.below(c.wave(h * 0.6, h * 0.02, 1), light.near(green, 0.12))
    c.below(c.wave(h * 0.7, h * 0.03, 0.8), light.near(mix(green, (150, 210, 110), 0.6)))
    side = c.rng.choice([0.2, 0.75])
    c.polygon(
        [(w * side, h * 0.62), (w * side + w * 0.03, h * 0.62), (w * (side + 0.22), h), (w * (side - 0.12), h)],
        light.near((226, 208, 170)),
    )
    _flowers(c, light, 0.78)
    return Ground(0.87)


def _flowers(c: Canvas, light: Light, top: float) -> None:
    palette: list[Colour] = [(255, 255, 255), (255, 214, 92), (240, 120, 150), (255, 170, 90)]
    for _ in range(26):
        y = c.height * c.rng.uniform(top, 0.99)
        x, r = c.rng.uniform(0, c.width), c.unit * 0.004 * (1 + (y / c.height - top) * 6)
        c.disc(x, y, r, light.near(palette[int(c.rng.integers(4))]), 0.9)


def forest(c: Canvas, light: Light) -> Ground:
    """Paint firs in the mist around a clearing."""
    h, w = c.height, c.width
    c.gradient([(0, mix(light.sky[0], (80, 130, 110), 0.3)), (1, mix(light.sky[2], (220, 235, 205), 0.5))])
    c.glow(w * c.rng.uniform(0.35, 0.65), h * 0.36, c.unit * 0.7, mix(light.sky[2], (255, 255, 220), 0.6), 0.7)
    green = (44, 104, 66)
    for far, foot, high, count in ((0.72, 0.66, 0.5, 11), (0.42, 0.71, 0.6, 8), (0.12, 0.78, 0.74, 6)):
        for x in np.linspace(-0.03, 1.03, count):
            if far < 0.3 and 0.22 < x < 0.78:
                continue  # a clearing for the subject
            fir(
                c,
                w * (x + c.rng.uniform(-0.04, 0.04)),
                h * foot,
                h * high * c.rng.uniform(0.75, 1.1),
                light.near(green, far),
            )
        c.below(c.wave(h * (foot - 0.01), h * 0.02, 2), light.near((92, 140, 78), far * 0.7))
    c.gradient([(0, light.near((96, 142, 76))), (1, light.near((52, 92, 50)))], h * 0.8)
    return Ground(0.88)


def mountains(c: Canvas, light: Light) -> Ground:
    """Paint snowy ridges behind foothills."""
    h = c.height
    sky(c, light, 0.66)
    ridge = c.wave(h * 0.4, h * 0.3, 1.4, 0.85)
    c.below(ridge, light.near((122, 138, 164), 0.45))
    c.below(ridge, light.near((248, 250, 255), 0.05), 0.92, bottom=int(h * 0.36))
    c.below(
        np.maximum(ridge, h * 0.35) + np.abs(c.wave(0, h * 0.05, 9, 0.9)),
        light.near((122, 138, 164), 0.45),
        bottom=int(h * 0.45),
    )
    c.below(c.wave(h * 0.54, h * 0.18, 2, 0.7), light.near((86, 112, 128), 0.25))
    c.below(c.wave(h * 0.64, h * 0.08, 2.4, 0.4), light.near((70, 118, 92), 0.12))
    for _ in range(14):
        fir(
            c,
            c.rng.uniform(0, c.width),
            h * c.rng.uniform(0.7, 0.76),
            h * c.rng.uniform(0.07, 0.12),
            light.near((48, 96, 72), 0.1),
        )
    c.below(c.wave(h * 0.75, h * 0.03, 1.2), light.near((118, 164, 96)))
    c.gradient([(0, light.near((116, 162, 94))), (1, light.near((84, 132, 74)))], h * 0.79)
    return Ground(0.87)


def desert(c: Canvas, light: Light) -> Ground:
    """Paint dunes."""
    h = c.height
    sky(c, light, 0.6)
    for level, far, colour in (
        (0.54, 0.5, (222, 150, 92)),
        (0.62, 0.25, (232, 176, 108)),
        (0.72, 0.0, (240, 196, 124)),
    ):
        c.below(c.wave(h * level, h * 0.1, 0.9), light.near(colour, far))
    c.gradient([(0, light.near((240, 196, 124))), (1, light.near((222, 168, 98)))], h * 0.8)
    return Ground(0.87)


def snow(c: Canvas, light: Light) -> Ground:
    """Paint snowy hills with firs."""
    h, w = c.height, c.width
    sky(c, light, 0.6)
    c.below(c.wave(h * 0.5, h * 0.16, 1.6, 0.6), light.near((196, 214, 232), 0.35))
    for _ in range(12):
        fir(
            c,
            c.rng.uniform(0, w),
            h * c.rng.uniform(0.64, 0.7),
            h * c.rng.uniform(0.12, 0.22),
            light.near((74, 116, 118), 0.25),
        )
    for level, colour in ((0.64, (222, 234, 244)), (0.74, (240, 246, 251))):
        c.below(c.wave(h * level, h * 0.06, 1), light.near(colour))
    flakes(c, 60)
    return Ground(0.87, 0.22)


def flakes(c: Canvas, count: int) -> None:
    """Let it snow."""
    for _ in range(count):
        c.disc(
            c.rng.uniform(0, c.width),
            c.rng.uniform(0, c.height),
            c.unit * c.rng.uniform(0.003, 0.008),
            (255, 255, 255),
            0.9,
        )


LAND: dict[str, Callable[[Canvas, Light], Ground]] = {
    "meadow": meadow,
    "park": park,
    "forest": forest,
    "mountains": mountains,
    "desert": desert,
    "snow": snow,
}
