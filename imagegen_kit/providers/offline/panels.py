"""Pictures of several panels: split screens, grids and patterns. Every model draws its panels through here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PIL import Image, ImageDraw

from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.lexicon import words
from imagegen_kit.providers.offline.scene import Relation, Scene, Subject
from imagegen_kit.providers.offline.wardrobe import changed
from imagegen_kit.retrieval.text import stem

Painter = Callable[[Brief, int, int, int], Image.Image]
GUTTER = 0.022  # share of the shorter side
DEVICES = frozenset(
    stem(w) for w in ("phone", "smartphone", "computer", "laptop", "screen", "screens", "monitor", "tablet")
)


def compose(brief: Brief, size: tuple[int, int], paint: Painter, gutter: int = 255) -> Image.Image:
    """Return the picture of ``brief`` at ``size``, panel by panel where the prompt asks for panels.

    ``gutter`` is the grey between the cells of a grid, which must differ from the cells to be told from them.
    """
    width, height = size
    if brief.scene.layout == "split" and width >= 16:
        return _split(brief, width, height, paint)
    if brief.scene.layout == "grid" and min(size) >= 32:
        return _grid(brief, width, height, paint, gutter)
    if brief.scene.layout == "pattern" and min(size) >= 64 and brief.scene.subjects:
        return _pattern(brief, width, height, paint)
    return paint(brief, width, height, 0)


def _pattern(brief: Brief, width: int, height: int, paint: Painter) -> Image.Image:
    """Repeat one tile, every second column half a tile lower, as wallpaper does."""
    side = max(16, min(width, height) // 4)
    cell = replace(brief.scene, layout="single", place="white")
    tile = paint(brief.of(cell), side, side, 1).convert("RGB")
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    for column in range(-(-width // side)):
        for row in range(-1, -(-height // side) + 1):
            picture.paste(tile, (column * side, row * side + (side // 2 if column % 2 else 0)))
    return picture


def _split(brief: Brief, width: int, height: int, paint: Painter) -> Image.Image:
    bar = max(2, round(width * 0.008))
    left = (width - bar) // 2
    picture = Image.new("RGB", (width, height), (252, 252, 252))
    actors = [r for r in brief.references if r.role in ("content", "character")]
    others = tuple(r for r in brief.references if r not in actors)
    for side, (x, wide) in enumerate(((0, left), (left + bar, width - left - bar))):
        mine = (actors[side],) if side < len(actors) else ()
        half = replace(brief.of(half_scene(brief.scene, side), side * 7), references=(*mine, *others))
        picture.paste(paint(half, wide, height, side + 1).convert("RGB"), (x, 0))
    return picture


def half_scene(scene: Scene, side: int) -> Scene:
    """Return what belongs into the left (0) or right (1) half of a split screen: a person and a device at least."""
    name = ("left", "right")[side]
    devices = [s for s in scene.subjects if DEVICES & {stem(s.head)}]
    people = [s for s in scene.subjects if s not in devices]
    mine = [s for s in people if s.side == name]
    free = [s for s in people if s.side is None]
    things: list[Subject] = []
    if devices:  # a call: what belongs to neither side stands behind both, and is not who calls
        things = [s for s in free if not _is_person(s)]
        free = [s for s in free if s not in things]
    if not mine:
        taken = any(s.side for s in people)
        mine = free[:1] if taken or side == 0 else free[1:2]
        if free and not mine and free[0].count > 1:
            mine = free[:1]
    if known := [s for s in mine if _is_person(s) and stem(s.head) != "person"]:  # who is meant is said further on
        mine = [known[0], *[s for s in mine if not _is_person(s)]]
    if not mine or stem(mine[0].head) == "person":  # "one person on the left": somebody, another on either side
        mine = [(Subject("man", "man"), Subject("woman", "woman"))[side], *mine[1:]]
    person = replace(mine[0], count=1, side=None)
    subjects = [person, *[replace(s, side=None) for s in mine[1:2]]]
    relations = [Relation(0, "hold", 1)] if len(subjects) > 1 else []
    if _is_person(person):
        device = (
            devices[side % len(devices)]
            if devices
            else Subject(*(("laptop", "laptop") if side else ("mobile phone", "phone")))
        )
        subjects.append(replace(device, count=1, side=name, scale=1.15))
        relations.append(Relation(0, "hold", len(subjects) - 1))
        subjects += [replace(thing, side=("right", "left")[side], scale=0.8) for thing in things[:1]]
    told = [p for p in scene.places if p not in scene.side_places] if any(scene.side_places) else [scene.place]
    place = scene.side_places[side] or next(iter(told), None) or ("office", "room")[side]
    return replace(
        scene, subjects=tuple(subjects), relations=tuple(relations), place=place, layout="portrait", text=None
    )


def _is_person(subject: Subject) -> bool:
    return stem(subject.head) in words("people") or stem(subject.head) in words("stands_for")


def _grid(brief: Brief, width: int, height: int, paint: Painter, gutter: int) -> Image.Image:
    rows, columns = brief.scene.grid
    gap = max(4, round(min(width, height) * GUTTER))
    picture = Image.new("RGB", (width, height), (gutter, gutter, gutter))
    scene = brief.scene
    person = any(_is_person(s) for s in scene.subjects) or bool(brief.references)
    each = [replace(s, count=1) if s.count == rows * columns else s for s in scene.subjects]  # "a grid of four cats"
    scene = replace(scene, subjects=tuple(each))
    for row in range(rows):
        for column in range(columns):
            x0, x1 = (gap + (width - gap) * k // columns for k in (column, column + 1))
            y0, y1 = (gap + (height - gap) * k // rows for k in (row, row + 1))
            number = row * columns + column
            cell = replace(scene, layout="portrait" if person else "single", grid=(1, 1))
            if len(scene.subjects) > 1 and not scene.relations_bind():
                cell = replace(cell, subjects=(scene.subjects[number % len(scene.subjects)],), relations=())
            if len(scene.places) > 1:
                cell = replace(cell, place=scene.places[number % len(scene.places)])
            mine = changed(brief.references, brief.prompt, number)
            panel = paint(replace(brief.of(cell, number), references=mine), x1 - x0 - gap, y1 - y0 - gap, number + 1)
            picture.paste(panel.convert("RGB"), (x0, y0))
    return picture


def controls(picture: Image.Image) -> Image.Image:
    """Return ``picture`` with the three round buttons that video calls have at the lower edge."""
    unit = min(picture.size)
    r, y = unit * 0.03, picture.height - unit * 0.06
    zoom = 3
    layer = Image.new("RGBA", (picture.width, round(r * 2.6)))
    big = Image.new("RGBA", (layer.width * zoom, layer.height * zoom))
    draw = ImageDraw.Draw(big)
    middle, cy, s = big.width / 2, big.height / 2, r * zoom
    for offset, fill in ((-2.6, (50, 56, 66, 235)), (0.0, (224, 54, 54, 255)), (2.6, (50, 56, 66, 235))):
        x = middle + offset * s
        draw.ellipse((x - s, cy - s, x + s, cy + s), fill=fill)
    draw.rounded_rectangle((middle - s * 0.55, cy - s * 0.18, middle + s * 0.55, cy + s * 0.18), s * 0.18, fill="white")
    left, right = middle - 2.6 * s, middle + 2.6 * s
    draw.rounded_rectangle((left - s * 0.2, cy - s * 0.55, left + s * 0.2, cy + s * 0.15), s * 0.2, fill="white")
    draw.arc(
        (left - s * 0.36, cy - s * 0.3, left + s * 0.36, cy + s * 0.36),
        0,
        180,
        fill="white",
        width=max(1, round(s * 0.12)),
    )
    draw.rounded_rectangle((right - s * 0.5, cy - s * 0.32, right + s * 0.18, cy + s * 0.32), s * 0.1, fill="white")
    draw.polygon(
        [(right + s * 0.24, cy), (right + s * 0.52, cy - s * 0.3), (right + s * 0.52, cy + s * 0.3)], fill="white"
    )
    layer = big.resize(layer.size, Image.Resampling.LANCZOS)
    result = picture.convert("RGB")
    result.paste(layer, (0, round(y - layer.height / 2)), layer)
    return result
