"""``offline/collage``: clip art in a painted place, with light, shadows and the grade that the style words ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from imagegen_kit.providers.offline.abstract import abstract
from imagegen_kit.providers.offline.backdrops import LIGHTS, Ground, Light, cloud, flakes, sea_front
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.cast import Item, cast
from imagegen_kit.providers.offline.draw import Canvas, mix
from imagegen_kit.providers.offline.grade import bokeh, grade, palette_of
from imagegen_kit.providers.offline.inputs import cover
from imagegen_kit.providers.offline.layout import arrange, box, head
from imagegen_kit.providers.offline.lexicon import home_of, lexicon
from imagegen_kit.providers.offline.panels import compose, controls
from imagegen_kit.providers.offline.rooms import PLACES, fog
from imagegen_kit.providers.offline.scene import Scene, Subject
from imagegen_kit.providers.offline.signs import feeling


def draw(brief: Brief) -> Image.Image:
    """Return the picture of ``brief``."""
    if brief.base is not None and brief.mask is not None:
        return _inpaint(brief, brief.base, brief.mask)
    picture = compose(brief, brief.size, paint)
    if brief.scene.layout == "split" and min(brief.size) >= 128:
        picture = controls(picture)
    return _finish(brief, picture)


def _finish(brief: Brief, picture: Image.Image) -> Image.Image:
    for reference in brief.references:
        if reference.role == "style":
            picture = palette_of(picture, reference.picture)
    return grade(picture, brief.scene.styles, brief.detailing(99))


def with_decor(brief: Brief, place: str) -> tuple[Scene, bool]:
    """Return the scene, furnished with what belongs to its place where the prompt names no subject but the place."""
    scene = brief.scene
    if scene.subjects or scene.text or scene.place is None:
        return scene, False
    asked = lexicon()["decor"].get(place, [])
    chosen = [asked[(brief.turn + k) % len(asked)] for k in range(min(2, len(asked)))]
    return replace(scene, subjects=tuple(Subject(words_, words_.split()[-1]) for words_ in chosen)), True


def paint(brief: Brief, width: int, height: int, panel: int) -> Image.Image:
    """Return one panel of the picture."""
    arranging, detailing = brief.arranging(panel), brief.detailing(panel)
    scene = brief.scene
    whole = next((r for r in brief.references if r.role == "content" and not r.cut), None)
    if whole is not None:
        return _from_whole(whole.picture, scene, width, height, arranging)
    scene, furnished = with_decor(brief, scene.place or "")
    groups = cast(scene, brief.library, brief.references, brief.excluded, arranging, brief.turn)
    settings = [r for r in brief.references if r.role == "setting"]
    if not any(groups) and scene.place is None and not settings:
        return abstract(brief, width, height, arranging)
    place = scene.place or _place_for(scene, groups, arranging)
    canvas = Canvas(width, height, detailing)
    canvas.rng = arranging
    light = LIGHTS[scene.light or ("overcast" if scene.weather == "rain" else None)]
    if settings and not settings[0].cut:
        back = cover(settings[0].picture.convert("RGB"), width, height, 1 + 0.12 * arranging.random(), (arranging.random(), 0.7))
        canvas.image, ground = _lit(back, light), Ground(0.9)
    else:
        ground = PLACES[place](canvas, light)
        if settings:
            _stand_setting(canvas, settings[0].picture, ground)
    if scene.light == "overcast":
        fog(canvas)
    if "bokeh" in scene.styles:
        canvas.rng = detailing
        bokeh(canvas)
        canvas.rng = arranging
    items = arrange(scene, groups, width / height, arranging)
    place_items(canvas, items, scene, ground, light, furnished)
    if place == "sea" and ground.sinks:
        sea_front(canvas, light, ground.level)
    _weather(canvas, scene.weather)
    return canvas.image


def _place_for(scene: Scene, groups: list[list[Item]], rng: np.random.Generator) -> str:
    """Choose where the subjects are at home; people and things without a home get one of a few neutral places."""
    if "flat" in scene.styles:
        return "studio"
    if scene.layout == "portrait" or scene.layout == "pattern":
        return "studio"
    leads = sorted((items[0] for items in groups if items), key=lambda i: -i.scale)
    homes = [home for lead in leads for home in [home_of(lead.tags)] if home]
    if leads and leads[0].scale > 1.5 and not leads[0].is_a("people"):  # a castle makes the place, not who stands there
        return homes[0] if homes else "meadow"
    people = any(i.is_a("people") for items in groups for i in items[:1])
    if people and (not homes or homes[0] in ("room", "meadow")):
        return str(rng.choice(["studio", "room", "park", "street"]))
    if homes and rng.random() < 0.8:
        return homes[0]
    return str(rng.choice(["studio", "studio", "room"])) if not homes else homes[-1]


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
    wide, high = right - left, top - bottom
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
    """Return a ground for a picture without a place: higher the flatter the group is, so that it hangs in the middle."""
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
            c.glow(middle, y + h * 0.985, half * 1.45, dark, min(0.95, ground.shadow * 2.3), max(0.1, min(0.26, 0.12 * h / max(half, 1))))
    pad = max(2, round(c.unit * 0.02))
    quarter = max(1, picture.width // 4), max(1, picture.height // 4)
    soft = Image.new("L", (quarter[0] + pad, quarter[1] + pad))
    soft.paste(alpha.resize(quarter), (pad // 2, pad // 2))
    soft = soft.filter(ImageFilter.GaussianBlur(max(0.6, pad / 5))).point([v * 4 // 13 for v in range(256)])
    soft = soft.resize((soft.width * 4, soft.height * 4))
    c.image.paste(dark, (at[0] - pad * 2 + round(c.unit * 0.006), at[1] - pad * 2 + round(c.unit * 0.01)), soft)
    if light.strength > 0.1 and not item.from_reference:
        veil = Image.new("RGB", picture.size, light.veil)
        colours = Image.blend(picture.convert("RGB"), veil, light.strength * (0.3 if light.dark else 0.3))
        colours.putalpha(alpha)
        picture = colours
        if light.dark:  # a rim of moonlight keeps dark things visible in the dark
            rim = alpha.filter(ImageFilter.MaxFilter(5)).point([v * 2 // 5 for v in range(256)])
            c.image.paste((176, 196, 240), at, rim)
    c.image.paste(picture, at, picture)


def _weather(c: Canvas, weather: str | None) -> None:
    if weather == "snowfall":
        flakes(c, 130)
    elif weather == "rain":
        for _ in range(4):
            cloud(c, c.width * c.rng.uniform(0, 1), c.height * c.rng.uniform(0, 0.1), 0.5, (112, 122, 136), 0.7)
        slant = c.unit * 0.012
        for _ in range(120):
            x, y, length = c.rng.uniform(0, c.width), c.rng.uniform(0, c.height), c.unit * c.rng.uniform(0.03, 0.06)
            c.line([(x, y), (x - slant, y + length)], (206, 224, 242), max(1.2, c.unit * 0.0028), 0.75)


def _lit(picture: Image.Image, light: Light) -> Image.Image:
    if light.strength <= 0.1:
        return picture
    return Image.blend(picture, Image.new("RGB", picture.size, light.veil), light.strength * 0.6)


def _stand_setting(c: Canvas, picture: Image.Image, ground: Ground) -> None:
    scale = min(c.width * 0.95 / picture.width, c.height * 0.74 / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    back = picture.resize(size, Image.Resampling.LANCZOS)
    c.image.paste(back, ((c.width - size[0]) // 2, round(c.height * (ground.level - 0.08)) - size[1]), back)


def _from_whole(picture: Image.Image, scene: Scene, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Image to image: keep the given picture, a little nearer, in the light that the prompt asks for."""
    zoom = 1.0 + 0.16 * rng.random()
    return _lit(cover(picture.convert("RGB"), width, height, zoom, (rng.random(), rng.random())), LIGHTS[scene.light])


def _inpaint(brief: Brief, base: Image.Image, mask: Image.Image) -> Image.Image:
    """Paint the scene into the white of ``mask``; every pixel outside stays as it is in ``base``."""
    under = base.convert("RGB")
    area = mask.getbbox()
    if area is None:
        return under
    width, height = area[2] - area[0], area[3] - area[1]
    part = Brief(
        brief.scene, brief.prompt, (width, height), brief.library, brief.references, brief.excluded, brief.turn, brief.seeds
    )
    if brief.scene.place or brief.scene.layout in ("split", "grid"):
        painted = compose(part, (width, height), paint)
    else:
        painted = _on(_filled(under, mask).crop(area), part)
    result = under.copy()
    result.paste(_finish(brief, painted), area[:2], mask.crop(area))
    return result


def _filled(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """Return ``picture`` with the white of ``mask`` filled from what surrounds it, nearest colours first."""
    colours = np.asarray(picture).astype(np.float32)
    weight = (np.asarray(mask) < 128).astype(np.float32)
    result, known = colours * weight[..., None], weight
    for step in (8, 32, 128, 512):
        small = (max(1, picture.width // step), max(1, picture.height // step))
        share = Image.fromarray(weight).resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC)
        near = np.asarray(share)
        planes = [
            np.asarray(Image.fromarray(colours[..., k] * weight).resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC))
            for k in range(3)
        ]
        usable = np.clip((near - 0.02) * 8, 0, 1) * (1 - known)
        result += np.stack(planes, axis=-1) / np.maximum(near, 0.02)[..., None] * usable[..., None]
        known = known + usable
    return Image.fromarray(np.clip(result / np.maximum(known, 0.05)[..., None], 0, 255).astype(np.uint8))


def _on(back: Image.Image, brief: Brief) -> Image.Image:
    rng = brief.arranging()
    canvas = Canvas(back.width, back.height, rng)
    canvas.image = back.copy()
    groups = cast(brief.scene, brief.library, brief.references, brief.excluded, rng, brief.turn)
    if not any(groups):
        return abstract(brief, back.width, back.height, rng)
    items = arrange(brief.scene, groups, back.width / back.height, rng)
    place_items(canvas, items, brief.scene, Ground(0.95, 0.25), LIGHTS[brief.scene.light], False)
    return canvas.image
