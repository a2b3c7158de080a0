"""Places the items of a scene: relations first, then groups side by side, then the whole onto the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from imagegen_kit.providers.offline.cast import Item
from imagegen_kit.providers.offline.scene import Relation, Scene

GAP = 0.16
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
VEHICLES = frozenset(("car", "bus", "truck", "tractor", "train", "boat", "ship", "sailboat", "galleon", "rocket"))


def arrange(scene: Scene, groups: Sequence[list[Item]], aspect: float, rng: np.random.Generator) -> list[Item]:
    """Give each item its place in scene units (the ground at y = 0) and return them from back to front."""
    clusters: dict[int, list[Item]] = {}
    for number, items in enumerate(groups):
        if items:
            standing = any(r.a == number and r.kind in ("on", "ride", "inside") for r in scene.relations)
            _row_up(items, aspect * (4 if standing else 1), rng)
            clusters[number] = items
    home = {number: number for number in clusters}
    order: list[tuple[int, int]] = []
    for relation in scene.relations:
        if relation.a not in home or relation.b not in home or home[relation.a] == home[relation.b]:
            continue
        if not _attach(relation, groups, rng):
            order.append((relation.b, relation.a) if relation.kind == "right" else (relation.a, relation.b))
            continue
        keep, gone = home[relation.a], home[relation.b]
        clusters[keep] = clusters[keep] + clusters.pop(gone)
        home = {n: keep if h == gone else h for n, h in home.items()}
    fixed = any(s.side for s in scene.subjects) or any(r.kind in ("left", "right") for r in scene.relations)
    numbers = list(clusters)
    if fixed:
        numbers = _ordered(numbers, [(home[a], home[b]) for a, b in order], scene, home)
    elif rng.random() < 0.5:
        numbers.reverse()
    _stand_together([clusters[n] for n in numbers], aspect, fixed)
    placed = [item for n in numbers for item in clusters[n]]
    return sorted(placed, key=lambda item: item.z)


def box(items: Sequence[Item]) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of ``items`` in scene units."""
    return (
        min(i.x - i.w / 2 for i in items),
        min(i.y for i in items),
        max(i.x + i.w / 2 for i in items),
        max(i.y + i.h for i in items),
    )


def _row_up(items: list[Item], aspect: float, rng: np.random.Generator) -> None:
    """Set equal things in one to three rows, those behind a little smaller and between the ones before."""
    if len(items) == 1:
        items[0].x = items[0].y = 0.0
        if items[0].afloat:
            items[0].y, items[0].grounded = items[0].h * 0.35, False
        return
    wide, high = items[0].w, items[0].h
    per_row = len(items)
    while per_row > 1 and per_row * wide > 2.1 * aspect * high * -(-len(items) // per_row) * 0.9:
        per_row -= 1
    rows = -(-len(items) // max(1, per_row))
    per_row = -(-len(items) // rows)
    for place, item in enumerate(items):
        row, column = divmod(place, per_row)
        in_row = min(per_row, len(items) - row * per_row)
        back = row
        item.resize(item.scale * (0.93**back) * rng.uniform(0.94, 1.04))
        item.x = (column - (in_row - 1) / 2) * wide * 1.1 + rng.uniform(-0.03, 0.03) * wide
        item.y = back * high * (1.02 if item.afloat else 0.94) + (high * rng.uniform(0.1, 0.6) if item.afloat else 0.0)
        item.z = -10 * back
        item.grounded = not item.afloat and back == 0
        item.mirrored = bool(place % 2) if item.tags and not item.from_reference else item.mirrored


def _move(items: Sequence[Item], dx: float, dy: float, dz: int = 0) -> None:
    for item in items:
        item.x, item.y, item.z = item.x + dx, item.y + dy, item.z + dz


def _scale(items: Sequence[Item], factor: float) -> None:
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


def _attach(relation: Relation, groups: Sequence[list[Item]], rng: np.random.Generator) -> bool:
    """Bring two groups together as ``relation`` says; False where they simply stand side by side."""
    a, b = groups[relation.a], groups[relation.b]
    kind = relation.kind
    if kind == "before":
        a, b, kind = b, a, "behind"
    la, ba, ra, ta = box(a)
    lb, bb, rb, tb = box(b)
    wa, ha, wb, hb = ra - la, ta - ba, rb - lb, tb - bb
    middle_a, middle_b = (la + ra) / 2, (lb + rb) / 2
    if kind in ("on", "ride") and VEHICLES & set(b[0].tags):
        kind = "inside" if kind == "ride" else kind
    if kind in ("on", "ride"):
        if wa > wb * 0.95 and kind == "on":
            _scale(b, min(2.2, wa * 1.12 / wb))
            lb, bb, rb, tb = box(b)
        top = bb + surface(b[0]) * (tb - bb)
        for item in a:
            item.grounded = False
        _move(a, (lb + rb) / 2 - middle_a + rng.uniform(-0.06, 0.06) * (rb - lb), top - ba, 5)
        return True
    if kind == "under":
        if ha > hb * 0.6:
            _scale(b, min(2.4, ha / (0.5 * hb)))
        for item in b:
            if item.is_a("floating") or "umbrella" in item.tags:
                item.y, item.grounded = ta + 0.1, False
        _move(a, (box(b)[0] + box(b)[2]) / 2 - middle_a, -ba, 5)
        return True
    if kind == "above":
        for item in a:
            item.grounded = False
        _move(a, middle_b - middle_a + rng.uniform(-0.2, 0.2) * wb, tb + 0.14 - ba, 5)
        return True
    if kind == "behind":
        side = 1 if rng.random() < 0.5 else -1
        offset = 0.12 * wb if wb > 2.2 * wa or wa > 2.2 * wb else 0.42 * (wa + wb) / 2
        if wa > 1.6 * wb:
            offset = 0.2 * wa
        _move(a, middle_b - middle_a + side * offset, 0.1 * hb - ba, -20)
        return True
    small = b[0].scale <= a[0].scale * 0.85
    if kind in ("mouth", "hold") and small:
        side = -1.0 if rng.random() < 0.5 else 1.0
        bust = a[0].is_a("portraits")
        level = (0.3 if bust else 0.5) if kind == "mouth" else (0.22 if bust else 0.42)
        for item in b:
            item.grounded = False
        reach = (0.5 * a[0].w if a[0].w < 0.7 * a[0].h else 0.44 * a[0].w) + (0.36 if "sign" in b[0].tags else 0.2) * wb
        _move(b, a[0].x + side * reach - middle_b, max(0.0, a[0].y + level * a[0].h - hb / 2) - bb, 8)
        return True
    if kind == "wear":
        middle, wide = head(a[0])
        glasses = bool({"glass", "glasses", "sunglasses", "headphone"} & set(b[0].tags))
        for item in b:
            item.resize(item.scale * max(0.25, min(wide * a[0].w * 1.12, a[0].w * 0.9)) / item.w)
            item.grounded, item.z = False, 8
            item.x = a[0].x - a[0].w / 2 + middle * a[0].w
            drop = 0.2 * a[0].h if glasses else 0.42 * item.h * (0.6 if "crown" in item.tags else 1.0)
            item.y = a[0].y + a[0].h - drop - (item.h / 2 if glasses else 0.0)
        return True
    if kind == "inside" and (b[0].is_a("containers") or VEHICLES & set(b[0].tags)):
        if wa > wb * 0.6:
            _scale(a, wb * 0.6 / wa)
            la, ba, ra, ta = box(a)
        for item in a:
            item.grounded = False
        _move(a, middle_b - (la + ra) / 2, bb + (tb - bb) * (0.5 if VEHICLES & set(b[0].tags) else 0.4) - ba, 5)
        front = replace(b[0], picture=lower_part(b[0].picture), z=b[0].z + 10, grounded=False)
        b.append(front)  # the near wall, before what is inside
        return True
    return False


def _ordered(numbers: list[int], order: list[tuple[int, int]], scene: Scene, home: dict[int, int]) -> list[int]:
    rank = {n: float(i) for i, n in enumerate(numbers)}
    for before, after in order:
        if before in rank and after in rank and rank[before] > rank[after]:
            rank[before], rank[after] = rank[after], rank[before]
    for index, subject in enumerate(scene.subjects):
        if subject.side and index in home:
            rank[home[index]] = -100.0 + index if subject.side == "left" else 100.0 + index
    return sorted(numbers, key=lambda n: rank[n])


def _stand_together(clusters: Sequence[list[Item]], aspect: float, fixed: bool) -> None:
    widths = [box(items)[2] - box(items)[0] for items in clusters]
    tall = max((box(items)[3] for items in clusters), default=1.0)
    gap = GAP
    spare = 1.15 * aspect * tall - sum(widths)
    if len(clusters) > 1 and spare > 0:
        gap = min(0.55, GAP + spare / len(clusters) * 0.5)
    two_rows = len(clusters) > 2 and not fixed and sum(widths) > 1.7 * aspect * tall
    rows = [clusters[0::2], clusters[1::2]] if two_rows else [list(clusters)]
    lift = 0.0
    for depth, row in enumerate(rows):
        total = sum(box(items)[2] - box(items)[0] for items in row) + gap * (len(row) - 1)
        x = -total / 2
        for items in row:
            left, _, right, _ = box(items)
            _move(items, x - left, lift, -30 * depth)
            x += right - left + gap
        lift += 0.62 * max((box(items)[3] for items in row), default=0.0)
