"""Lettering: signs on posts, words laid over things, and the marks around a head that show a feeling."""

from __future__ import annotations

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imagegen_kit.providers.offline.draw import Canvas, Colour

BOARDS: tuple[tuple[Colour, Colour], ...] = (
    ((252, 247, 232), (58, 44, 38)),
    ((36, 92, 84), (250, 246, 228)),
    ((198, 60, 52), (255, 248, 238)),
    ((32, 58, 102), (255, 250, 236)),
)


def lettering(text: str, width: int, height: int, colour: Colour, lines: int = 4) -> Image.Image:
    """Return ``text`` as large as it fits into (width, height) pixels on at most ``lines`` lines, on nothing."""
    picture = Image.new("RGBA", (max(1, width), max(1, height)))
    draw = ImageDraw.Draw(picture)
    best: tuple[float, str] = (6.0, text)
    for count in range(1, lines + 1):
        room = max(min(18, max(map(len, text.split()), default=4)), -(-len(text) // count) + 1)
        wrapped = "\n".join(textwrap.wrap(text, room)) or text
        box = draw.multiline_textbbox((0, 0), wrapped, font=ImageFont.load_default(100), align="center", spacing=12)
        size = 100 * min(width / max(1, box[2] - box[0]), height / max(1, box[3] - box[1])) * 0.96
        if size > best[0]:
            best = (size, wrapped)
    font = ImageFont.load_default(max(6.0, min(best[0], height * 0.9)))
    draw.multiline_text(
        (width / 2, height / 2), best[1], font=font, fill=(*colour, 255), anchor="mm", align="center",
        spacing=best[0] * 0.12, stroke_width=max(0.0, best[0] * 0.018),
    )  # fmt: skip
    return picture


def sign(text: str, rng: np.random.Generator, post: bool = True) -> Image.Image:
    """Return a painted board that says ``text``, on a post unless it is to be held or hung."""
    board, ink = BOARDS[int(rng.integers(len(BOARDS)))]
    wide = 480
    high = int(np.clip(90 + 70 * (len(text) / 9), 150, 360))
    picture = Image.new("RGBA", (wide * 2, (high + (260 if post else 0)) * 2))
    draw = ImageDraw.Draw(picture)
    if post:
        draw.rectangle(
            (wide - 26, high, wide + 26, picture.height), fill=(124, 86, 54, 255), outline=(60, 40, 28, 255), width=8
        )
    draw.rounded_rectangle((4, 4, wide * 2 - 5, high * 2 - 5), 44, fill=(*ink, 255))
    draw.rounded_rectangle((20, 20, wide * 2 - 21, high * 2 - 21), 34, fill=(*board, 255))
    draw.rounded_rectangle((38, 38, wide * 2 - 39, high * 2 - 39), 24, outline=(*ink, 255), width=6)
    words = lettering(text, wide * 2 - 150, high * 2 - 120, ink)
    picture.alpha_composite(words, (75, 60))
    return picture.reduce(2)


def printed(thing: Image.Image, text: str) -> Image.Image:
    """Return ``thing`` with ``text`` across its middle, dark on light or light on dark."""
    result = thing.copy()
    box = (int(thing.width * 0.24), int(thing.height * 0.36), int(thing.width * 0.76), int(thing.height * 0.68))
    under = np.asarray(thing.crop(box).convert("L"))
    words = lettering(
        text, box[2] - box[0], box[3] - box[1], (28, 28, 34) if under.mean() > 128 else (250, 250, 246), 3
    )
    result.alpha_composite(words, box[:2])
    return result


def feeling(c: Canvas, kind: str, x: float, y: float, size: float) -> None:
    """Draw the comic marks of a feeling around a head whose top is at (x, y); ``size`` is the head's width."""
    r = max(2.0, size * 0.09)
    if kind == "happy":
        for angle in (-0.95, -0.45, 0.45, 0.95):
            a = (x + np.sin(angle) * size * 0.55, y - np.cos(angle) * size * 0.2 - r)
            b = (x + np.sin(angle) * size * 0.72, y - np.cos(angle) * size * 0.36 - r)
            c.line([a, b], (255, 190, 46), max(1.5, r * 0.55))
        heart(c, x + size * 0.62, y - size * 0.02, r * 1.5, (236, 82, 102))
        heart(c, x + size * 0.82, y - size * 0.24, r, (244, 130, 142))
    elif kind == "love":
        for dx, dy, s in ((-0.55, -0.1, 1.3), (0.55, -0.15, 1.7), (0.1, -0.4, 1.2)):
            heart(c, x + size * dx, y + size * dy, r * s, (232, 62, 92))
    elif kind == "sad":
        c.disc(x, y - size * 0.2, size * 0.26, (132, 146, 166), 0.95, 0.5)
        c.disc(x - size * 0.2, y - size * 0.16, size * 0.18, (132, 146, 166), 0.95, 0.5)
        c.disc(x + size * 0.2, y - size * 0.16, size * 0.18, (132, 146, 166), 0.95, 0.5)
        for dx in (-0.2, 0.0, 0.2):
            c.line(
                [(x + size * dx, y - size * 0.06), (x + size * (dx - 0.03), y + size * 0.05)],
                (84, 140, 210),
                max(1.5, r * 0.4),
            )
    elif kind == "angry":
        for angle in (-0.9, -0.3, 0.3, 0.9):
            base, tip = size * 0.2, size * 0.46
            c.polygon(
                [
                    (x + np.sin(angle - 0.12) * base * 1.6, y - np.cos(angle) * base),
                    (x + np.sin(angle + 0.12) * base * 1.6, y - np.cos(angle) * base),
                    (x + np.sin(angle) * tip * 1.6, y - np.cos(angle) * tip),
                ],
                (224, 56, 44),
            )
    else:
        word = {"surprised": "!", "confused": "?", "sleepy": "Zzz"}.get(kind, "!")
        side = int(max(8, size * 0.42))
        letters = lettering(word, int(side * 1.4), side, (62, 92, 170) if kind == "sleepy" else (232, 120, 32), 1)
        c.image.paste(letters, (int(x + size * 0.3), int(max(0, y - size * 0.35))), letters)


def heart(c: Canvas, x: float, y: float, r: float, colour: Colour) -> None:
    """Draw a heart about 2 r wide."""
    t = np.linspace(0, 2 * np.pi, 36)
    xs = 16 * np.sin(t) ** 3 / 16 * r + x
    ys = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16 * r + y
    c.polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), colour)
