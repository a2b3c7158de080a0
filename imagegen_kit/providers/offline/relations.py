"""Brings two subjects together as a preposition or verb says: on, under, behind, beside the mouth, in a box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imagegen_kit.providers.offline.cast import Item

if TYPE_CHECKING:
    from PIL import Image

SEATS = {
    "sofa": 0.34,
    "chair": 0.5,
    "couch": 0.34,
    "bed": 0.5,
    "horse": 0.6,
    "bicycle": 0.55,
    "motorcycle": 0.5,
    "dragon": 0.55,
}
TABLES = frozenset(("desk", "table", "cabinet"))
LANDMARKS = frozenset(("mountain", "hill", "castle", "volcano", "island", "pyramid", "skyscraper"))
VEHICLES = frozenset(("car", "bus", "truck", "tractor", "train", "boat", "ship", "sailboat", "galleon", "rocket"))


def box(items: Sequence[Item]) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of ``items`` in scene units."""
    return (
        min(i.x - i.w / 2 for i in items),
        min(i.y for i in items),
        max(i.x + i.w / 2 for i in items),
        max(i.y + i.h for i in items),
    )


def move(items: Sequence[Item], dx: float, dy: float, dz: int = 0) -> None:
    """Move ``items`` by (dx, dy) units and ``dz`` layers towards the viewer."""
    for item in items:
        item.x, item.y, item.z = item.x + dx, item.y + dy, item.z + dz


def rescale(items: Sequence[Item], factor: float) -> None:
    """Make ``items`` larger by ``factor`` around the middle of their lower edge."""
    left, bottom, right, _ = box(items)
    middle = (left + right) / 2
    for item in items:
        item.resize(item.scale * factor)
        item.x, item.y = middle + (item.x - middle) * factor, bottom + (item.y - bottom) * factor


def surface(item: Item) -> float:
    """Return how high (share of the item's height) something can stand on it: a seat, or the top of its middle."""
    for tag, seat in SEATS.items():
        if tag in item.tags:
            return seat
    alpha = np.asarray(item.picture.getchannel("A").resize((24, 48)))[:, 8:16] > 128
    tops = np.where(alpha.any(axis=0), alpha.argmax(axis=0), 24)
    return float(1 - np.median(tops) / 48) * 0.98


def head(item: Item) -> tuple[float, float]:
    """Return (middle, width) of the topmost fifth of the item, as shares of its width from the left."""
    alpha = np.asarray(item.picture.getchannel("A").resize((48, 48)))[:9] > 128
    columns = np.flatnonzero(alpha.any(axis=0))
    if not columns.size:
        return 0.5, 0.5
    middle, wide = float(columns.mean()) / 47, (float(np.ptp(columns)) + 1) / 48
    return (1 - middle if item.mirrored else middle), wide


def lower_part(picture: Image.Image) -> Image.Image:
    """Return ``picture`` (RGBA) with its upper 55 % left out."""
    result = picture.copy()
    result.paste((0, 0, 0, 0), (0, 0, picture.width, round(picture.height * 0.55)))
    return result


@dataclass(frozen=True, slots=True)
class Pair:
    """Two subjects' items, and all that already hangs together with each of them and moves along."""

    a: list[Item]
    b: list[Item]
    with_a: list[Item]
    with_b: list[Item]

    def swapped(self) -> Pair:
        """Return the pair with its parts exchanged."""
        return Pair(self.b, self.a, self.with_b, self.with_a)


def attach(kind: str, pair: Pair, rng: np.random.Generator) -> bool:
    """Place the pair as ``kind`` says; False where the two simply stand side by side."""
    tags = set(pair.b[0].tags)
    if kind == "before":
        kind, pair = "behind", pair.swapped()
    elif kind == "ride" and VEHICLES & tags:
        kind = "inside"
    if kind == "hold" and TABLES & set(pair.a[0].tags):
        kind, pair = "on", pair.swapped()
    if kind == "at" and not TABLES & tags:
        return False
    if kind in ("mouth", "hold") and pair.b[0].scale > pair.a[0].scale * 0.85:
        return False
    if kind == "inside" and not (pair.b[0].is_a("containers") or VEHICLES & tags):
        return False
    place = _PLACERS.get(kind)
    if place is not None:
        place(pair, kind, rng)
    return place is not None


def _lift(items: Sequence[Item]) -> None:
    for item in items:
        item.grounded = False


def _on(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    left, bottom, right, _ = box(pair.a)
    below = box(pair.b)
    if kind == "on" and right - left > (below[2] - below[0]) * 0.95:
        rescale(pair.with_b, min(2.2, (right - left) * 1.12 / (below[2] - below[0])))
        below = box(pair.b)
    top = below[1] + surface(pair.b[0]) * (below[3] - below[1])
    shift = rng.uniform(-0.06, 0.06)
    if TABLES & set(pair.b[0].tags):  # several things on one table stand beside each other
        shift += (-0.32, 0.32, 0.0)[sum(not i.grounded for i in pair.with_b) % 3] if kind == "on" else 0.0
    middle = (below[0] + below[2]) / 2 + shift * (below[2] - below[0])
    _lift(pair.with_a)
    move(pair.with_a, middle - (left + right) / 2, top - bottom, 5)


def _under(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    left, bottom, right, top = box(pair.a)
    above = box(pair.b)
    roof = pair.b[0].is_a("floating") or "umbrella" in pair.b[0].tags
    if roof:
        rescale(pair.with_b, max(1.0, 1.25 * (right - left) / (above[2] - above[0])))
    elif top - bottom > (above[3] - above[1]) * 0.6:
        rescale(pair.with_b, min(2.4, (top - bottom) / (0.5 * (above[3] - above[1]))))
    for item in pair.b:
        if item.is_a("floating") or "umbrella" in item.tags:
            item.y, item.grounded = top - bottom - 0.06, False
    above = box(pair.b)
    move(pair.with_a, (above[0] + above[2] - left - right) / 2, -bottom, 5)


def _above(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    left, bottom, right, _ = box(pair.a)
    below = box(pair.b)
    shift = rng.uniform(-0.2, 0.2) * (below[2] - below[0])
    _lift(pair.with_a)
    move(pair.with_a, (below[0] + below[2] - left - right) / 2 + shift, below[3] + 0.14 - bottom, 5)


def _behind(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    if LANDMARKS & set(pair.a[0].tags):  # a mountain behind a car is far larger than the car
        left, _, right, _ = box(pair.a)
        front = box(pair.b)
        rescale(pair.a, max(1.0, 2.8 * (front[2] - front[0]) / (right - left)))
    left, bottom, right, _ = box(pair.a)
    front = box(pair.b)
    back_width, front_width = right - left, front[2] - front[0]
    offset = 0.42 * (back_width + front_width) / 2  # so that both are seen
    if back_width > 1.6 * front_width:
        offset = 0.2 * back_width
    elif front_width > 2.2 * back_width:
        offset = 0.45 * front_width
    side = 1 if rng.random() < 0.5 else -1
    rise = 0.1 * (front[3] - front[1])
    move(pair.with_a, (front[0] + front[2] - left - right) / 2 + side * offset, rise - bottom, -20)


def _at_table(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    table = box(pair.b)
    left, bottom, right, top = box(pair.a)
    for item in pair.b:
        item.z += 4
    level = max(0.08 * (table[3] - table[1]), table[3] - 0.4 * (top - bottom))  # face and hands above the table top
    move(pair.with_a, (table[0] + table[2] - left - right) / 2, level - bottom, -4)


def _at_hand(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    holder, thing = pair.a[0], box(pair.b)
    side = -1.0 if rng.random() < 0.5 else 1.0
    levels = {"mouth": (0.5, 0.3), "hold": (0.42, 0.22)}  # shares of the height of a figure, of a bust
    level = levels[kind][1 if holder.is_a("portraits") else 0]
    wide = thing[2] - thing[0]
    slender = holder.w < 0.7 * holder.h
    reach = (0.5 if slender else 0.44) * holder.w + (0.36 if "sign" in pair.b[0].tags else 0.2) * wide
    height = max(0.0, holder.y + level * holder.h - (thing[3] - thing[1]) / 2)
    _lift(pair.with_b)
    move(pair.with_b, holder.x + side * reach - (thing[0] + thing[2]) / 2, height - thing[1], 8)


def _worn(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    wearer = pair.a[0]
    middle, wide = head(wearer)
    for item in pair.b:
        glasses = bool({"glass", "glasses", "sunglasses", "headphone"} & set(item.tags))
        most = 0.9 if wearer.is_a("people") or wearer.is_a("portraits") else 0.5
        item.resize(item.scale * max(0.2, min(wide * wearer.w * 1.12, wearer.w * most)) / item.w)
        item.grounded, item.z = False, wearer.z + 8
        item.x = wearer.x - wearer.w / 2 + middle * wearer.w
        overlap = 0.42 * item.h * (0.6 if "crown" in item.tags else 1.0)
        item.y = wearer.y + wearer.h - (0.2 * wearer.h + item.h / 2 if glasses else overlap)


def _inside(pair: Pair, kind: str, rng: np.random.Generator) -> None:
    around = box(pair.b)
    width, height = around[2] - around[0], around[3] - around[1]
    left, _, right, _ = box(pair.a)
    if right - left > width * 0.6:
        rescale(pair.with_a, width * 0.6 / (right - left))
    left, bottom, right, _ = box(pair.a)
    level = around[1] + height * (0.5 if VEHICLES & set(pair.b[0].tags) else 0.4)
    _lift(pair.with_a)
    move(pair.with_a, (around[0] + around[2] - left - right) / 2, level - bottom, 5)
    near_wall = replace(pair.b[0], picture=lower_part(pair.b[0].picture), z=pair.b[0].z + 20, grounded=False)
    pair.with_b.append(near_wall)


_PLACERS: dict[str, Callable[[Pair, str, np.random.Generator], None]] = {
    "on": _on,
    "ride": _on,
    "at": _at_table,
    "under": _under,
    "above": _above,
    "behind": _behind,
    "mouth": _at_hand,
    "hold": _at_hand,
    "wear": _worn,
    "inside": _inside,
}
