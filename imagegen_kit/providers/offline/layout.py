"""Places the items of a scene: relations first, then groups side by side, then the whole onto the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagegen_kit.providers.offline.cast import Item
from imagegen_kit.providers.offline.relations import Pair, attach, box, move
from imagegen_kit.providers.offline.scene import Scene

if TYPE_CHECKING:
    import numpy as np

GAP = 0.16


def arrange(scene: Scene, groups: Sequence[list[Item]], aspect: float, rng: np.random.Generator) -> list[Item]:
    """Give each item its place in scene units (the ground at y = 0) and return them from back to front."""
    clusters: dict[int, list[Item]] = {}
    for number, items in enumerate(groups):
        if items:
            standing = any(r.a == number and r.kind in ("on", "ride", "inside") for r in scene.relations)
            _row_up(items, aspect * (4 if standing else 1), rng)
            clusters[number] = list(items)
    home = {number: number for number in clusters}
    order: list[tuple[int, int]] = []
    for relation in scene.relations:
        if relation.a not in home or relation.b not in home or home[relation.a] == home[relation.b]:
            continue
        pair = Pair(groups[relation.a], groups[relation.b], clusters[home[relation.a]], clusters[home[relation.b]])
        if not attach(relation.kind, pair, rng):
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
    two_rows = len(clusters) > 2 and not fixed and sum(widths) > 2.2 * aspect * tall
    rows = [clusters[0::2], clusters[1::2]] if two_rows else [list(clusters)]
    lift = 0.0
    for depth, row in enumerate(rows):
        total = sum(box(items)[2] - box(items)[0] for items in row) + gap * (len(row) - 1)
        x = -total / 2
        for items in row:
            left, _, right, _ = box(items)
            move(items, x - left, lift, -30 * depth)
            x += right - left + gap
        lift += 0.34 * max((box(items)[3] for items in row), default=0.0)
