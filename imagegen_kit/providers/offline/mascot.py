"""A rubber-hose mascot in thick outlines: view, proportions and props as the prompt's words ask for them.

Lengths are shares of the picture's shorter side; what is drawn later hides what lies behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

FINER = 2  # drawn at twice the size and reduced, so that slanting lines are smooth
Point = tuple[float, float]
EARS = {
    "pointed": ("cat", "fox", "wolf", "kitten", "owl"),
    "round": ("bear", "mouse", "panda", "monkey", "tiger", "lion"),
    "long": ("rabbit", "bunny", "hare", "donkey"),
    "hanging": ("dog", "puppy", "hound"),
}
SPORTS = ("golf", "golfer", "ball", "tee")
CUPS = ("coffee", "cup", "mug", "tea", "espresso")
BOXES = ("robot", "computer", "box", "book", "television", "radio")


@dataclass(frozen=True, slots=True)
class Pose:
    """How the mascot stands and what is exaggerated of it; 1 is natural."""

    turn: float = 0.0  # 0 faces the viewer, 1 is in profile
    zoom: float = 1.0
    walking: bool = False
    swinging: bool = False
    below: bool = False
    bust: bool = False
    head: float = 1.0
    girth: float = 1.0
    limbs: float = 1.0
    gloves: float = 1.0
    feet: float = 1.0
    grin: float = 1.0
    kind: str = "round"
    golf: bool = False
    ears: str = ""


def pose_of(prompt: str) -> Pose | None:
    """Return the pose that a prompt asks for, None where it asks for no mascot."""
    text = prompt.lower()
    words = set(re.findall(r"[a-z]+", text.split(". loose greyscale", 1)[0]))
    if "mascot" not in words:
        return None
    kind = "cup" if words & {*CUPS} else "box" if words & {*BOXES} else "ball" if words & {*SPORTS} else "round"
    ears = next((name for name, animals in EARS.items() if words & {*animals}), "")
    pose = Pose(kind="round" if ears and kind == "ball" else kind, golf=bool(words & {"golf", "golfer"}), ears=ears)
    for said, change in _SAID.items():
        if said in text:
            pose = replace(pose, **change)
    return pose


_SAID: dict[str, dict[str, Any]] = {
    "three-quarter view": {"turn": 0.45},
    "walking": {"walking": True},
    "in profile": {"turn": 1.0},
    "mid-action": {"swinging": True},
    "head and shoulders": {"bust": True},
    "from slightly below": {"below": True},
    "large in the foreground": {"zoom": 1.35},
    "much empty space": {"zoom": 0.55},
    "large head": {"head": 1.5, "girth": 0.75},
    "long rubber-hose": {"limbs": 1.55, "gloves": 1.75, "girth": 0.8},
    "round, heavy body": {"girth": 1.75, "feet": 0.55, "head": 0.92},
    "huge grin": {"grin": 1.75, "head": 1.15},
    "stretched": {"limbs": 1.25, "girth": 0.85},
    "extreme proportions": {"head": 1.65, "gloves": 1.5, "girth": 0.65},
    "strongly simplified": {"girth": 1.3, "limbs": 0.8},
}


class Pen:
    """Shapes with an outline on a mask of ink: what they cover becomes paper again."""

    def __init__(self, width: int, height: int, weight: float) -> None:
        self._image = Image.new("L", (width * FINER, height * FINER))
        self._draw = ImageDraw.Draw(self._image)
        self.weight = weight * FINER
        self.unit, self.middle, self.top = float(min(width, height) * FINER), width * FINER / 2, 0.0

    def at(self, point: Point) -> Point:
        """Return where a point of the figure lies: x from the middle, y from the top, in shares of the side."""
        return self.middle + point[0] * self.unit, self.top + point[1] * self.unit

    def line(self, points: Sequence[Point], wide: float = 1.0) -> None:
        """Draw an open stroke with round ends."""
        self._stroke([self.at(p) for p in points], self.weight * wide, 255)

    def shape(self, points: Sequence[Point], *, ink: bool = False) -> None:
        """Draw a closed outline, filled with paper or with ink."""
        placed = [self.at(p) for p in points]
        self._draw.polygon(placed, fill=255 if ink else 0)
        self._stroke([*placed, placed[0]], self.weight, 255)

    def hose(self, points: Sequence[Point], wide: float) -> None:
        """Draw a limb: two outlines ``wide`` apart along a bend through ``points``."""
        placed = [self.at(p) for p in bend(points)]
        self._stroke(placed, wide * self.unit + self.weight, 255)
        self._stroke(placed, wide * self.unit - self.weight, 0)

    def _stroke(self, placed: Sequence[Point], wide: float, fill: int) -> None:
        self._draw.line(list(placed), fill=fill, width=round(wide), joint="curve")
        for x, y in placed:
            self._draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=fill)

    def done(self) -> Image.Image:
        """Return the mask at its own size: 255 is ink."""
        return self._image.resize((self._image.width // FINER, self._image.height // FINER), Image.Resampling.BOX)


def oval(x: float, y: float, rx: float, ry: float, begin: float = 0.0, end: float = 1.0, n: int = 48) -> list[Point]:
    """Return points of an ellipse, or of the part of it between two shares of the whole turn."""
    angles = [2 * pi * (begin + (end - begin) * i / n) for i in range(n + (end - begin < 1))]
    return [(x + rx * cos(a), y + ry * sin(a)) for a in angles]


def bend(points: Sequence[Point]) -> list[Point]:
    """Return a smooth curve from the first through the second towards the last of three points."""
    (ax, ay), (bx, by), (cx, cy) = points
    bx, by = 2 * bx - (ax + cx) / 2, 2 * by - (ay + cy) / 2
    steps = [(1 - t, t) for t in np.linspace(0, 1, 24).tolist()]
    return [(s * s * ax + 2 * s * t * bx + t * t * cx, s * s * ay + 2 * s * t * by + t * t * cy) for s, t in steps]


def draw_mascot(pose: Pose, width: int, height: int, weight: float) -> Image.Image:
    """Return the mascot's outlines as a mask of ink, 255 where the pencil goes."""
    from imagegen_kit.providers.offline.mascot_parts import body, head

    pen = Pen(width, height, weight)
    if pose.bust:
        pen.unit *= 2.1
        pen.top = height * FINER * 0.5 - pen.unit * 0.30
    else:
        pen.unit *= pose.zoom
        pen.top = height * FINER * 0.5 - pen.unit * 0.5
    neck = body(pen, pose)
    head(pen, pose, neck)
    return pen.done()
