"""``offline/pencil``: the same scenes as thick grey outlines on paper, as a person sketches them in ten minutes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from imagegen_kit.providers.offline.abstract import SHOWN
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.cast import cast
from imagegen_kit.providers.offline.collage import with_decor
from imagegen_kit.providers.offline.draw import Canvas
from imagegen_kit.providers.offline.framing import framed
from imagegen_kit.providers.offline.inputs import Given, cover, parts_of
from imagegen_kit.providers.offline.layout import arrange
from imagegen_kit.providers.offline.mascot import draw_mascot, pose_of
from imagegen_kit.providers.offline.panels import compose
from imagegen_kit.providers.offline.placing import fit, sprite, standing
from imagegen_kit.providers.offline.relations import head
from imagegen_kit.providers.offline.signs import feeling, lettering

PAPER = 250
GUTTER = 205  # a grid's cells are paper, and white between them could not be told from it
WORK_SIDE = 1024  # larger sketches are drawn at this size and enlarged: their lines are thick anyway


def draw(brief: Brief) -> Image.Image:
    """Return the sketch of ``brief``: grey in all three channels."""
    width, height = brief.size
    shrink = min(1.0, WORK_SIDE / max(brief.size))
    size = (max(8, round(width * shrink)), max(8, round(height * shrink)))
    grey = compose(brief, size, paint, GUTTER).convert("L")
    if grey.size != brief.size:
        grey = grey.resize(brief.size, Image.Resampling.BICUBIC)
    return Image.merge("RGB", (grey, grey, grey))


def paint(brief: Brief, width: int, height: int, panel: int) -> Image.Image:
    """Return one panel of the sketch."""
    rng = brief.arranging(panel)
    scene = brief.scene
    flat = Image.new("RGB", (width, height), (255, 255, 255))
    outline = Image.new("L", (width, height))
    weight = max(1.6, min(width, height) * 0.0082)
    ground_line: list[tuple[float, float, float]] = []
    parts = parts_of(brief.references)
    whole, settings = parts.whole, parts.settings
    if whole is None and (pose := pose_of(brief.prompt)) is not None:
        ink = draw_mascot(pose, width, height, weight)
        return _pencil(ink, flat, [], weight, brief.detailing(panel), hatch=False)
    if whole is not None:
        flat = cover(whole.picture.convert("RGB"), width, height, 1 + 0.08 * rng.random())
        flat = ImageOps.autocontrast(flat)
    else:
        scene, _ = with_decor(brief, scene.place or "")
        groups = cast(scene, brief.library, parts.actors, brief.excluded, rng, brief.turn)
        if not any(groups) and not settings:
            return _words(brief, width, height, rng)
        if settings:
            flat = _backdrop(settings[0], flat, outline, weight)
        items = arrange(scene, groups, width / height, rng) if any(groups) else []
        boxes = fit(items, scene, width, height, standing(items, width, height), False, rng) if items else []
        for item, (x, y, w, h) in zip(items, framed(brief.prompt, boxes, width, height), strict=True):
            picture = sprite(item, w, h)
            at = (round(x), round(y))
            silhouette = picture.getchannel("A").point([0] * 110 + [255] * 146)
            Image.Image.paste(flat, picture, at, picture)
            outline.paste(0, at, silhouette)  # what stands before hides the outlines behind
            placed = Image.new("L", (picture.width + 16, picture.height + 16))
            placed.paste(silhouette, (8, 8))
            outline.paste(255, (at[0] - 8, at[1] - 8), _rim(placed, weight))
            if item.grounded:
                ground_line.append((x, y + h, w))
            if item.feeling and "smiley" not in item.tags:
                canvas = Canvas(width, height, rng)
                canvas.image = flat
                middle, _ = head(item)
                feeling(canvas, item.feeling, x + middle * w, y + h * 0.02, min(w, h * 0.5))
                flat = canvas.image
    ink = ImageChops.lighter(outline, _inner_lines(flat, weight))
    dark = bool({"cinematic", "noir"} & set(brief.scene.styles))
    return _pencil(ink, flat, ground_line, weight, brief.detailing(panel), hatch=whole is None, dark=dark)


def _backdrop(setting: Given, paper: Image.Image, outline: Image.Image, weight: float) -> Image.Image:
    """Return the place as what stands behind everything: fills the sheet, or stands on it where it was cut free."""
    width, height = paper.size
    if not setting.cut:
        return ImageOps.autocontrast(cover(setting.picture.convert("RGB"), width, height))
    scale = min(width * 0.94 / setting.picture.width, height * 0.8 / setting.picture.height)
    size = (max(1, round(setting.picture.width * scale)), max(1, round(setting.picture.height * scale)))
    picture = setting.picture.resize(size, Image.Resampling.LANCZOS)
    at = ((width - size[0]) // 2, round(height * 0.86) - size[1])
    paper.paste(picture, at, picture)
    margin = Image.new("L", (size[0] + 16, size[1] + 16))
    margin.paste(picture.getchannel("A").point([0] * 110 + [255] * 146), (8, 8))
    outline.paste(255, (at[0] - 8, at[1] - 8), _rim(margin, weight * 0.8))
    return paper


def _rim(silhouette: Image.Image, weight: float) -> Image.Image:
    soft = silhouette.filter(ImageFilter.GaussianBlur(weight * 0.75))
    edge = np.asarray(soft).astype(np.float32)
    return Image.fromarray((np.clip(1 - np.abs(edge - 128) / 100, 0, 1) * 255).astype(np.uint8)).point(
        [min(255, v * 3) for v in range(256)]
    )


def _inner_lines(flat: Image.Image, weight: float) -> Image.Image:
    """Return the few lines inside: what is clearly darker than its surroundings (a difference of two blurs)."""
    grey = flat.convert("L")
    fine = np.asarray(grey.filter(ImageFilter.GaussianBlur(weight * 0.4))).astype(np.float32)
    broad = np.asarray(grey.filter(ImageFilter.GaussianBlur(weight * 1.5))).astype(np.float32)
    strong = np.clip((broad - fine - 13) / 22, 0, 1)
    return Image.fromarray((strong * 240).astype(np.uint8))


def _wobbled(ink: Image.Image, reach: float, rng: np.random.Generator) -> Image.Image:
    """Return ``ink`` as an unsteady hand draws it: every pixel fetched from up to ``reach`` pixels away, smoothly."""
    width, height = ink.size
    knots = rng.uniform(-1, 1, (2, max(3, height // 40), max(3, width // 40))).astype(np.float32)
    dx, dy = (np.asarray(Image.fromarray(k).resize((width, height), Image.Resampling.BICUBIC)) * reach for k in knots)
    x = np.clip(np.rint(np.arange(width, dtype=np.float32)[None, :] + dx).astype(np.int32), 0, width - 1)
    y = np.clip(np.rint(np.arange(height, dtype=np.float32)[:, None] + dy).astype(np.int32), 0, height - 1)
    return Image.fromarray(np.asarray(ink)[y, x])


def _pencil(
    ink: Image.Image, flat: Image.Image, feet: list[tuple[float, float, float]], weight: float,
    rng: np.random.Generator, hatch: bool, dark: bool = False,
) -> Image.Image:  # fmt: skip
    width, height = ink.size
    first = np.asarray(_wobbled(ink, weight * 0.7, rng)).astype(np.float32)
    second = np.asarray(_wobbled(ink, weight * 1.0, rng)).astype(np.float32)
    tooth = np.asarray(
        Image.fromarray(rng.uniform(0.8, 1.0, (min(256, height), min(256, width))).astype(np.float32)).resize(
            (width, height)
        )
    )
    strokes = np.maximum(first, second * 0.5) / 255 * tooth
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    pitch = weight * 2.6
    lines = np.clip(np.sin((x + y * 0.8 + 3 * np.sin(y / 23)) * 2 * np.pi / pitch) * 2 - 0.7, 0, 1)
    tone = np.asarray(flat.convert("L").filter(ImageFilter.GaussianBlur(weight * 1.5))).astype(np.float32)
    shade = np.clip(((176 if dark else 112) - tone) / 60, 0, 1) * (0.34 if hatch else 0.2) * (1.5 if dark else 1.0)
    for left, foot, wide in feet:
        inside = np.clip(
            1
            - ((x - left - wide * 0.55) / (wide * 0.62)) ** 2
            - ((y - foot - weight) / (wide * 0.05 + weight * 2)) ** 2,
            0,
            1,
        )
        shade = np.maximum(shade, (inside > 0) * (tone > 235) * 0.42)
    graphite = np.maximum(strokes * 0.9, lines * shade * tooth)
    return Image.fromarray(np.clip(PAPER - graphite * (PAPER - 22), 0, 255).astype(np.uint8))


def _words(brief: Brief, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Return loose shapes and the words of a prompt of which none is known."""
    c = Canvas(width, height, rng, (255, 255, 255))
    for _ in range(4):
        x, y, r = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9), c.unit * rng.uniform(0.1, 0.25)
        c.disc(x, y, r, (150, 150, 150))
        c.disc(x, y, r * 0.9, (255, 255, 255))
    text = " ".join(brief.prompt.split())[:SHOWN]
    words: Image.Image | None = None
    if text and min(width, height) >= 48:
        words = lettering(text, int(width * 0.8), int(height * 0.4), (40, 40, 40), 5)
        c.rect(width * 0.07, height * 0.27, width * 0.93, height * 0.73, (255, 255, 255))
    weight = max(1.6, c.unit * 0.007)
    ink = _inner_lines(c.image, weight)
    if words is not None:
        ink.paste(255, (int(width * 0.1), int(height * 0.3)), words.getchannel("A"))
    return _pencil(ink, c.image, [], weight, rng, hatch=False)
