"""``offline/collage``: clip art in a painted place, with light, shadows and the grade that the style words ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.providers.offline.abstract import abstract
from imagegen_kit.providers.offline.backdrops import LIGHTS, Ground, Light, cloud, flakes
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.cast import Item, cast
from imagegen_kit.providers.offline.draw import Canvas
from imagegen_kit.providers.offline.edits import inpaint
from imagegen_kit.providers.offline.grade import bokeh, grade, palette_of
from imagegen_kit.providers.offline.inputs import cover, parts_of
from imagegen_kit.providers.offline.layout import arrange
from imagegen_kit.providers.offline.lexicon import home_of, lexicon
from imagegen_kit.providers.offline.panels import compose, controls
from imagegen_kit.providers.offline.placing import place_items
from imagegen_kit.providers.offline.rooms import PLACES, fog
from imagegen_kit.providers.offline.scene import Scene, Subject
from imagegen_kit.providers.offline.waters import sea_front

if TYPE_CHECKING:
    import numpy as np


def draw(brief: Brief) -> Image.Image:
    """Return the picture of ``brief``."""
    if brief.base is not None and brief.mask is not None:
        return inpaint(brief, brief.base, brief.mask, paint, _finish)
    picture = compose(brief, brief.size, paint)
    if brief.scene.layout == "split" and min(brief.size) >= 128:
        picture = controls(picture)
    return _finish(brief, picture)


def _finish(brief: Brief, picture: Image.Image) -> Image.Image:
    if not _keeps_colours(brief):
        picture = _in_palettes(brief, picture)
    return grade(picture, brief.scene.styles, brief.detailing(99))


def _keeps_colours(brief: Brief) -> bool:
    """Whether somebody is shown by a picture: then a palette is lent to the place, and who it is stays the same."""
    return any(r.role == "character" for r in brief.references)


def _in_palettes(brief: Brief, picture: Image.Image) -> Image.Image:
    for reference in brief.references:
        if reference.role == "style":
            picture = palette_of(picture, reference.picture)
    return picture


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
    parts = parts_of(brief.references)
    settings = parts.settings
    if parts.whole is not None:
        return _from_whole(parts.whole.picture, scene, width, height, arranging)
    scene, furnished = with_decor(brief, scene.place or "")
    groups = cast(scene, brief.library, parts.actors, brief.excluded, arranging, brief.turn)
    if not any(groups) and scene.place is None and not settings:
        return abstract(brief, width, height, arranging)
    place = scene.place or _place_for(scene, groups, arranging)
    canvas = Canvas(width, height, detailing)
    canvas.rng = arranging
    light = LIGHTS[scene.light or ("overcast" if scene.weather == "rain" else None)]
    if settings and not settings[0].cut:
        back = cover(
            settings[0].picture.convert("RGB"), width, height, 1 + 0.12 * arranging.random(), (arranging.random(), 0.7)
        )
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
    if _keeps_colours(brief):
        canvas.image = _in_palettes(brief, canvas.image)
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
    if scene.layout in ("portrait", "pattern"):
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
