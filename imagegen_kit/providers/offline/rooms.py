"""The places that people built: studio, room, office, table, stage, street and city."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imagegen_kit.providers.offline.backdrops import LAND, Ground, Light, cloud, sky
from imagegen_kit.providers.offline.draw import Canvas, Colour, mix
from imagegen_kit.providers.offline.waters import AROUND

WALLS: tuple[Colour, ...] = (
    (238, 220, 196),
    (205, 222, 214),
    (214, 222, 238),
    (240, 212, 204),
    (226, 220, 206),
    (220, 228, 210),
)
STUDIOS: tuple[tuple[Colour, Colour], ...] = (
    ((255, 228, 205), (244, 176, 140)),
    ((214, 240, 228), (138, 200, 184)),
    ((226, 226, 250), (164, 168, 222)),
    ((252, 236, 190), (240, 196, 104)),
    ((214, 236, 252), (128, 184, 224)),
    ((250, 220, 232), (228, 150, 182)),
)


def _dim(colour: Colour, light: Light) -> Colour:
    return mix(colour, light.veil, light.strength * (0.75 if light.dark else 0.35))


def white(c: Canvas, light: Light) -> Ground:
    """Paint white paper with a hint of a floor."""
    c.gradient([(0, (255, 255, 255)), (0.72, (255, 255, 255)), (1, (246, 247, 248))])
    return Ground(0.86, 0.22)


def studio(c: Canvas, light: Light) -> Ground:
    """Paint a backdrop of one soft colour."""
    pale, strong = (_dim(x, light) for x in STUDIOS[int(c.rng.integers(len(STUDIOS)))])
    c.gradient(
        [(0, mix(strong, pale, 0.25)), (0.7, mix(strong, pale, 0.7)), (0.74, pale), (1, mix(pale, strong, 0.45))]
    )
    c.glow(c.width * 0.5, c.height * 0.42, max(c.width, c.height) * 0.55, mix(pale, (255, 255, 255), 0.4), 0.85)
    return Ground(0.85)


def floor(c: Canvas, top: float, colour: Colour, boards: int = 14) -> None:
    """Paint a wooden floor from ``top`` (a share of the height) with boards that run to the horizon."""
    h, w = c.height, c.width
    c.gradient([(0, mix(colour, (60, 40, 30), 0.22)), (1, colour)], h * top)
    for x in np.linspace(-1.4, 2.4, boards * 2):
        c.line(
            [(w * (0.5 + (x - 0.5) * 0.45), h * top), (w * x, h)],
            mix(colour, (60, 36, 20), 0.35),
            max(1.0, c.unit * 0.003),
            0.7,
        )


def window(c: Canvas, x0: float, y0: float, x1: float, y1: float, light: Light, town: bool = False) -> None:
    """Paint a window that shows the sky of this light, with roofs before it where ``town``."""
    c.rect(x0, y0, x1, y1, (250, 250, 248), radius=c.unit * 0.01)
    rim = c.unit * 0.012
    a, b, d, e = x0 + rim, y0 + rim, x1 - rim, y1 - rim
    rows = 10
    for row in range(rows):
        tone = mix(light.sky[0], light.sky[2], row / (rows - 1))
        c.rect(a, b + (e - b) * row / rows, d, b + (e - b) * (row + 1) / rows + 1, tone)
    if town:
        x = a
        while x < d - rim:
            wide, high = (d - a) * c.rng.uniform(0.07, 0.13), (e - b) * c.rng.uniform(0.2, 0.62)
            c.rect(x, e - high, min(d, x + wide), e, light.near((112, 132, 160), 0.35))
            for wy in np.arange(e - high + rim, e - rim, rim * 1.6):
                for wx in np.arange(x + rim * 0.6, min(d, x + wide) - rim, rim * 1.5):
                    if c.rng.random() < 0.6:
                        c.rect(
                            wx,
                            wy,
                            wx + rim * 0.6,
                            wy + rim * 0.7,
                            (255, 226, 150) if light.dark else (200, 222, 238),
                            0.9,
                        )
            x += wide
    middle = (x0 + x1) / 2
    c.rect(middle - rim / 3, y0, middle + rim / 3, y1, (250, 250, 248))
    c.rect(x0 - rim, y1, x1 + rim, y1 + rim * 1.3, (240, 236, 228))


def room(c: Canvas, light: Light) -> Ground:
    """Paint a living room with a window, a picture and a rug."""
    h, w, u = c.height, c.width, c.unit
    wall = _dim(WALLS[int(c.rng.integers(len(WALLS)))], light)
    c.gradient([(0, mix(wall, (255, 255, 255), 0.1)), (1, mix(wall, (120, 90, 80), 0.1))], 0, h * 0.73)
    if c.rng.random() < 0.5:
        for x in np.arange(0, w, u * 0.07):
            c.rect(x, 0, x + u * 0.035, h * 0.7, mix(wall, (255, 255, 255), 0.3), 0.35)
    floor(c, 0.72, _dim((196, 148, 104), light))
    c.rect(0, h * 0.695, w, h * 0.725, _dim((250, 246, 238), light))
    left = c.rng.random() < 0.5
    x = w * (0.1 if left else 0.62)
    window(c, x, h * 0.13, x + min(w * 0.28, u * 0.36), h * 0.47, light)
    for edge in (x - u * 0.05, x + min(w * 0.28, u * 0.36) - u * 0.01):
        c.rect(edge, h * 0.1, edge + u * 0.06, h * 0.56, _dim(mix(wall, (190, 84, 84), 0.55), light), 0.9, u * 0.01)
    px, py, s = w * (0.74 if left else 0.2), h * 0.24, u * 0.09
    c.rect(px - s, py - s, px + s, py + s, _dim((120, 84, 58), light), radius=u * 0.006)
    c.rect(px - s * 0.82, py - s * 0.82, px + s * 0.82, py + s * 0.82, _dim((246, 240, 226), light))
    c.disc(px, py, s * 0.45, _dim((232, 132, 96), light))
    c.disc(w * 0.5, h * 0.9, w * 0.4, _dim((178, 92, 88), light), 0.85, 0.2)
    c.disc(w * 0.5, h * 0.9, w * 0.36, _dim((226, 190, 160), light), 0.9, 0.2)
    return Ground(0.89)


def office(c: Canvas, light: Light) -> Ground:
    """Paint a room with large windows over the town."""
    h, w, u = c.height, c.width, c.unit
    wall = _dim(((224, 230, 236), (230, 232, 226), (218, 228, 230))[int(c.rng.integers(3))], light)
    c.gradient([(0, mix(wall, (255, 255, 255), 0.3)), (1, wall)], 0, h * 0.74)
    for i in range(max(2, round(w / h * 2.4))):
        wide = w / max(2, round(w / h * 2.4))
        window(c, wide * i + wide * 0.06, h * 0.1, wide * (i + 1) - wide * 0.06, h * 0.52, light, town=True)
    for x in np.arange(w * 0.1, w, max(w * 0.26, 1)):
        c.rect(x, h * 0.02, x + w * 0.14, h * 0.035, (255, 255, 250), 0.95, u * 0.006)
    c.gradient([(0, _dim((150, 162, 174), light)), (1, _dim((182, 192, 200), light))], h * 0.74)
    c.rect(0, h * 0.725, w, h * 0.745, _dim((120, 134, 148), light))
    x, foot = w * c.rng.choice([0.06, 0.94]), h * 0.82
    for angle in np.linspace(-1.1, 1.1, 7):
        tip = (x + np.sin(angle) * u * 0.12, foot - u * 0.08 - np.cos(angle) * u * 0.17)
        c.line([(x, foot - u * 0.06), tip], _dim((70, 140, 90), light), u * 0.022)
    c.polygon(
        [
            (x - u * 0.05, foot - u * 0.08),
            (x + u * 0.05, foot - u * 0.08),
            (x + u * 0.036, foot),
            (x - u * 0.036, foot),
        ],
        _dim((236, 236, 232), light),
    )
    return Ground(0.88, 0.3)


def table(c: Canvas, light: Light) -> Ground:
    """Paint a table top in warm light."""
    h, w, u = c.height, c.width, c.unit
    wall = _dim(((92, 122, 116), (196, 116, 92), (232, 206, 166), (104, 110, 136))[int(c.rng.integers(4))], light)
    c.gradient([(0, mix(wall, (20, 20, 30), 0.15)), (1, mix(wall, (255, 240, 210), 0.2))], 0, h * 0.68)
    for _ in range(14):
        c.glow(c.rng.uniform(0, w), h * c.rng.uniform(0.05, 0.6), u * c.rng.uniform(0.05, 0.13), (255, 226, 170), 0.35)
    for spot in (0.2, 0.5, 0.8):
        x = spot + c.rng.uniform(-0.04, 0.04)
        drop = h * c.rng.uniform(0.1, 0.17)
        c.line([(w * x, 0), (w * x, drop)], (50, 42, 40), max(1.0, u * 0.005))
        c.glow(w * x, drop + u * 0.05, u * 0.2, (255, 232, 170), 0.6)
        c.polygon(
            [
                (w * x - u * 0.06, drop + u * 0.05),
                (w * x + u * 0.06, drop + u * 0.05),
                (w * x + u * 0.02, drop),
                (w * x - u * 0.02, drop),
            ],
            (54, 46, 46),
        )
    wood = _dim(((176, 122, 78), (150, 98, 62), (206, 160, 112))[int(c.rng.integers(3))], light)
    c.gradient([(0, mix(wood, (255, 230, 190), 0.25)), (1, mix(wood, (60, 30, 20), 0.1))], h * 0.67)
    for _ in range(7):
        y = h * c.rng.uniform(0.7, 1.0)
        c.below(c.wave(y, h * 0.008, 1), mix(wood, (70, 40, 20), 0.4), 0.25, bottom=int(y + max(2, h * 0.006)))
    c.rect(0, h * 0.667, w, h * 0.677, mix(wood, (255, 240, 210), 0.5), 0.8)
    return Ground(0.84)


def stage(c: Canvas, light: Light) -> Ground:
    """Paint a stage with curtains and spotlights."""
    h, w, u = c.height, c.width, c.unit
    c.gradient([(0, (24, 14, 34)), (1, (66, 24, 58))], 0, h * 0.76)
    for x in np.arange(0, w, u * 0.09):
        edge = min(x, w - x) < w * 0.2
        if edge:
            c.rect(x, 0, x + u * 0.09, h * 0.76, (150, 26, 42))
            c.rect(x + u * 0.05, 0, x + u * 0.09, h * 0.76, (106, 16, 34))
    c.gradient([(0, (120, 78, 54)), (1, (84, 52, 38))], h * 0.75)
    for x, colour in ((0.2, (255, 220, 150)), (0.8, (190, 180, 255)), (0.5, (255, 245, 220))):
        c.polygon(
            [
                (w * x - u * 0.02, 0),
                (w * x + u * 0.02, 0),
                (w * 0.5 + (x - 0.5) * w * 0.1 + u * 0.3, h * 0.9),
                (w * 0.5 + (x - 0.5) * w * 0.1 - u * 0.3, h * 0.9),
            ],
            colour,
            0.16,
        )
    c.disc(w * 0.5, h * 0.88, u * 0.42, (255, 236, 190), 0.35, 0.22)
    return Ground(0.88, 0.45)


def _town(c: Canvas, light: Light, foot: float) -> None:
    h, w, u = c.height, c.width, c.unit
    for far, low, high, tone in ((0.62, 0.2, 0.46, (110, 132, 164)), (0.3, 0.14, 0.36, (86, 104, 138))):
        x = -c.rng.uniform(0, u * 0.1)
        while x < w:
            wide, tall = u * c.rng.uniform(0.08, 0.17), h * c.rng.uniform(low, high)
            colour = light.near(mix(tone, (170, 110, 100), c.rng.uniform(0, 0.3)), far)
            c.rect(x, h * foot - tall, x + wide, h * foot, colour)
            if c.rng.random() < 0.3:
                c.rect(x + wide * 0.46, h * foot - tall - u * 0.05, x + wide * 0.54, h * foot - tall, colour)
            step = max(3.0, u * 0.026)
            glass = (255, 222, 140) if light.dark or light.strength > 0.3 else mix(colour, (255, 255, 255), 0.45)
            for wy in np.arange(h * foot - tall + step * 0.7, h * foot - step, step * 1.25):
                for wx in np.arange(x + step * 0.5, x + wide - step * 0.6, step):
                    if c.rng.random() < (0.5 if light.dark else 0.75):
                        c.rect(wx, wy, wx + step * 0.45, wy + step * 0.6, glass, 0.85)
            x += wide * c.rng.uniform(1.0, 1.15)


def city(c: Canvas, light: Light) -> Ground:
    """Paint a skyline behind a square."""
    h = c.height
    sky(c, light, 0.75)
    _town(c, light, 0.74)
    c.gradient([(0, light.near((176, 178, 182))), (1, light.near((146, 150, 156)))], h * 0.74)
    c.rect(0, h * 0.735, c.width, h * 0.75, light.near((210, 212, 214)))
    for x in np.linspace(-1, 2, 22):
        c.line(
            [(c.width * (0.5 + (x - 0.5) * 0.6), h * 0.75), (c.width * x, h)],
            light.near((126, 130, 136)),
            max(1.0, c.unit * 0.0025),
            0.6,
        )
    return Ground(0.87)


def street(c: Canvas, light: Light) -> Ground:
    """Paint a road before houses."""
    h, w = c.height, c.width
    sky(c, light, 0.7)
    _town(c, light, 0.68)
    c.rect(0, h * 0.67, w, h * 0.75, light.near((188, 188, 184)))
    c.rect(0, h * 0.74, w, h * 0.755, light.near((226, 226, 220)))
    c.gradient([(0, light.near((92, 96, 104))), (1, light.near((70, 74, 82)))], h * 0.755)
    for x in np.arange(-0.05, 1.1, 0.22):
        c.polygon(
            [(w * x, h * 0.93), (w * (x + 0.12), h * 0.93), (w * (x + 0.11), h * 0.95), (w * (x - 0.012), h * 0.95)],
            light.near((244, 236, 200)),
        )
    return Ground(0.88, 0.42)


INDOORS: dict[str, Callable[[Canvas, Light], Ground]] = {
    "white": white,
    "studio": studio,
    "room": room,
    "office": office,
    "table": table,
    "stage": stage,
    "city": city,
    "street": street,
}
PLACES = LAND | AROUND | INDOORS


def fog(c: Canvas) -> None:
    """Lay bands of mist over the place."""
    for _ in range(5):
        cloud(c, c.rng.uniform(0, c.width), c.height * c.rng.uniform(0.5, 0.8), 0.9, (240, 243, 245), 0.35, 0.2)
