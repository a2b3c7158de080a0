"""Puts arranged items onto a canvas: their boxes in pixels, their shadows, and the light that falls on them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from imagegen_kit.providers.offline.backdrops import Ground, Light
from imagegen_kit.providers.offline.cast import Item
from imagegen_kit.providers.offline.draw import Canvas, mix
from imagegen_kit.providers.offline.relations import box, head
from imagegen_kit.providers.offline.scene import Scene
from imagegen_kit.providers.offline.signs import feeling


def place_items(c: Canvas, items: list[Item], scene: Scene, ground: Ground, light: Light, furnished: bool) -> None:
    """Scale the arranged items onto the canvas and draw them, each with its shadow."""
    if not items:
        return
    for item, (x, y, w, h) in zip(items, fit(items, scene, c.width, c.height, ground, furnished, c.rng), strict=True):
        draw_item(c, item, x, y, w, h, ground, light)
    for item, (x, y, w, h) in zip(items, fit(items, scene, c.width, c.height, ground, furnished, c.rng), strict=True):
        if item.feeling and "smiley" not in item.tags:
            middle, _ = head(item)
            feeling(c, item.feeling, x + middle * w, y + h * 0.02, min(w, h * 0.5))


def fit(
    items: list[Item], scene: Scene, width: int, height: int, ground: Ground, furnished: bool, rng: np.random.Generator
) -> list[tuple[float, float, float, float]]:
    """Return (left, top, width, height) in pixels for each arranged item."""
    left, bottom, right, top = box(items)
    wide = right - left
    high = top - bottom if ground.floats or scene.layout == "portrait" else top - min(0.0, bottom)
    base = height * ground.level
    biggest = max(i.scale for i in items)
    if scene.layout == "portrait":
        main = min(items, key=lambda i: i.subject)  # the rest may be cut off by the frame
        scale = min(0.92 * width / main.w, 0.8 * height / main.h)
        left, right = main.x - main.w / 2, main.x + main.w / 2
        wide, base = main.w, height * (1.0 if main.is_a("portraits") else 0.96)
        free = base - main.h * scale
        if main.is_a("portraits") and free > 0.4 * height:
            base -= (free - 0.4 * height) * 0.6
    else:
        presence = float(np.clip(0.66 + 0.14 * biggest + 0.04 * len(items), 0.7, 1.0)) * (0.62 if furnished else 1.0)
        scale = presence * min(0.88 * width / wide, (ground.level - 0.07) * height * 0.92 / high)
    shift = (0.18 if furnished else 0.0) * width * (1 if int(left * 1000) % 2 else -1)
    slack = max(0.0, width - wide * scale)
    shift = float(np.clip(shift, -slack * 0.4, slack * 0.4))
    middle = width / 2 - (left + right) / 2 * scale + shift
    if ground.floats and scene.layout != "portrait":
        base = height / 2 + (top + bottom) / 2 * scale
    elif bottom < 0:
        base += bottom * scale * 0.5
    boxes = [(middle + (i.x - i.w / 2) * scale, base - (i.y + i.h) * scale, i.w * scale, i.h * scale) for i in items]
    if scene.layout == "portrait":
        sides = {n: s.side for n, s in enumerate(scene.subjects)}
        return [
            _kept_inside(b, width, height, sides.get(i.subject)) if i.subject != main.subject else b
            for b, i in zip(boxes, items, strict=True)
        ]
    return boxes


def standing(items: list[Item], width: int, height: int) -> Ground:
    """Return a ground for a picture without a place: the flatter the group, the higher, so that it is in the middle."""
    left, bottom, right, top = box(items)
    high = min(0.8, 0.88 * (width / height) * (top - bottom) / (right - left))
    return Ground(float(np.clip(0.5 + high * 0.5 + 0.05, 0.68, 0.9)), 0.3)


def _kept_inside(
    place: tuple[float, float, float, float], width: int, height: int, side: str | None
) -> tuple[float, float, float, float]:
    """Return the box of a thing beside a portrait: small, in the lower corner, where it hides no face."""
    x, _, w, h = place
    share = min(0.46 * width / w, 0.25 * height / h)
    w, h = w * share, h * share
    left = side == "left" if side else x + w / 2 < width / 2
    edge = 0.03 * width if left else 0.97 * width - w
    return edge, 0.98 * height - h, w, h


def sprite(item: Item, width: float, height: float) -> Image.Image:
    """Return the item's picture at its size in pixels, mirrored where it is."""
    picture = ImageOps.mirror(item.picture) if item.mirrored else item.picture
    size = (max(1, round(width)), max(1, round(height)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def draw_item(c: Canvas, item: Item, x: float, y: float, w: float, h: float, ground: Ground, light: Light) -> None:
    """Draw one item with a soft shadow behind it and, where it stands, one below it."""
    picture = sprite(item, w, h)
    at = (round(x), round(y))
    alpha = picture.getchannel("A")
    dark = mix((28, 30, 44), light.veil, 0.3)
    if item.grounded and ground.shadow and not ground.floats:
        feet = np.flatnonzero((np.asarray(alpha)[int(picture.height * 0.86) :] > 100).any(axis=0))
        if feet.size:
            middle, half = x + (feet[0] + feet[-1]) / 2, max(w * 0.16, float(np.ptp(feet)) / 2)
            c.glow(
                middle,
                y + h * 0.985,
                half * 1.45,
                dark,
                min(0.95, ground.shadow * 2.3),
                max(0.1, min(0.26, 0.12 * h / max(half, 1))),
            )
    pad = max(2, round(c.unit * 0.02))
    quarter = max(1, picture.width // 4), max(1, picture.height // 4)
    soft = Image.new("L", (quarter[0] + pad, quarter[1] + pad))
    soft.paste(alpha.resize(quarter), (pad // 2, pad // 2))
    soft = soft.filter(ImageFilter.GaussianBlur(max(0.6, pad / 5))).point([v * 4 // 13 for v in range(256)])
    soft = soft.resize((soft.width * 4, soft.height * 4))
    c.image.paste(dark, (at[0] - pad * 2 + round(c.unit * 0.006), at[1] - pad * 2 + round(c.unit * 0.01)), soft)
    if light.strength > 0.1 and not item.from_reference:
        veil = Image.new("RGB", picture.size, light.veil)
        colours = Image.blend(picture.convert("RGB"), veil, light.strength * 0.3)
        colours.putalpha(alpha)
        picture = colours
        if light.dark:  # a rim of moonlight keeps dark things visible in the dark
            rim = alpha.filter(ImageFilter.MaxFilter(5)).point([v * 2 // 5 for v in range(256)])
            c.image.paste((176, 196, 240), at, rim)
    c.image.paste(picture, at, picture)
