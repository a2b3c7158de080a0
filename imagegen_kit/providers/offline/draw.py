"""Antialiased shapes on one RGB picture: gradients, ground lines given as curves, discs, glows and polygons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Floats = npt.NDArray[np.floating[Any]]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return ``a`` with ``share`` (0 … 1) of ``b`` in it."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


class Canvas:
    """A picture being painted. Positions are pixels; ``unit`` is the shorter side, the measure of all details."""

    def __init__(self, width: int, height: int, rng: np.random.Generator, colour: Colour = (255, 255, 255)) -> None:
        self.width, self.height, self.rng = width, height, rng
        self.unit = float(min(width, height))
        self.image = Image.new("RGB", (width, height), colour)

    def gradient(self, stops: Sequence[tuple[float, Colour]], top: float = 0.0, bottom: float | None = None) -> None:
        """Fill from ``top`` to ``bottom`` (pixels) with colours at positions 0 … 1."""
        y0, y1 = max(0, int(top)), min(self.height, int(np.ceil(self.height if bottom is None else bottom)))
        if y1 <= y0:
            return
        at = np.linspace(0, 1, y1 - y0)
        places = [p for p, _ in stops]
        column = np.stack([np.interp(at, places, [c[i] for _, c in stops]) for i in range(3)], axis=1)
        strip = Image.fromarray(column.round().astype(np.uint8)[:, None, :])
        self.image.paste(strip.resize((self.width, y1 - y0), Image.Resampling.NEAREST), (0, y0))

    def below(self, curve: Floats, colour: Colour, alpha: float = 1.0, bottom: float | None = None) -> None:
        """Fill what lies below ``curve``, one y for each column, down to ``bottom``."""
        top = max(0, int(curve.min()) - 1)
        end = self.height if bottom is None else min(self.height, int(bottom))
        if end <= top:
            return
        rows = np.arange(top, end, dtype=np.float32)[:, None]
        mask = np.clip(rows - curve[None, :].astype(np.float32) + 0.5, 0, 1) * (255 * alpha)
        self.image.paste(colour, (0, top), Image.fromarray(mask.astype(np.uint8)))

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0, squash: float = 1.0) -> None:
        """Paint a disc; ``squash`` < 1 makes it a lying ellipse."""
        self._radial(x, y, radius + 1, colour, squash, lambda d: np.clip(radius - d + 0.5, 0, 1) * alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0, squash: float = 1.0) -> None:
        """Paint a light that fades to nothing at ``radius``."""
        self._radial(x, y, radius, colour, squash, lambda d: np.clip(1 - d / radius, 0, 1) ** 2 * alpha)

    def _radial(self, x: float, y: float, radius: float, colour: Colour, squash: float, shape: Any) -> None:
        x0, x1 = max(0, int(x - radius)), min(self.width, int(x + radius) + 2)
        y0, y1 = max(0, int(y - radius * squash)), min(self.height, int(y + radius * squash) + 2)
        if x1 <= x0 or y1 <= y0 or radius <= 0:
            return
        dx = (np.arange(x0, x1, dtype=np.float32) - x)[None, :]
        dy = ((np.arange(y0, y1, dtype=np.float32) - y) / squash)[:, None]
        mask = (shape(np.sqrt(dx * dx + dy * dy)) * 255).astype(np.uint8)
        self.image.paste(colour, (x0, y0), Image.fromarray(mask))

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour, alpha: float = 1.0) -> None:
        """Paint a polygon, drawn four times as large and shrunk for smooth edges."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        x0, y0 = max(0, int(min(xs)) - 1), max(0, int(min(ys)) - 1)
        x1, y1 = min(self.width, int(max(xs)) + 2), min(self.height, int(max(ys)) + 2)
        if x1 <= x0 or y1 <= y0:
            return
        zoom = 4 if (x1 - x0) * (y1 - y0) < 200_000 else 2
        mask = Image.new("L", ((x1 - x0) * zoom, (y1 - y0) * zoom))
        ImageDraw.Draw(mask).polygon([((x - x0) * zoom, (y - y0) * zoom) for x, y in points], fill=round(255 * alpha))
        self.image.paste(colour, (x0, y0), mask.reduce(zoom))

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, alpha: float = 1.0, radius: float = 0
    ) -> None:
        """Paint a rectangle with corners rounded by ``radius``."""
        a, b, c, d = round(x0), round(y0), round(x1), round(y1)
        if c <= a or d <= b:
            return
        zoom = 3 if radius else 1
        mask = Image.new("L", ((c - a) * zoom, (d - b) * zoom), 0 if radius else round(255 * alpha))
        if radius:
            ImageDraw.Draw(mask).rounded_rectangle(
                (0, 0, mask.width - 1, mask.height - 1), radius * zoom, fill=round(255 * alpha)
            )
        self.image.paste(colour, (a, b), mask.reduce(zoom) if zoom > 1 else mask)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: float, alpha: float = 1.0) -> None:
        """Paint a line of ``width`` pixels with round joints."""
        for (ax, ay), (bx, by) in pairwise(points):
            length = max(1e-6, float(np.hypot(bx - ax, by - ay)))
            nx, ny = -(by - ay) / length * width / 2, (bx - ax) / length * width / 2
            self.polygon(
                [(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)], colour, alpha
            )

    def wave(self, level: float, height: float, waves: float = 2.0, rough: float = 0.0) -> Floats:
        """Return a soft random curve around ``level``, ``height`` pixels high, with about ``waves`` crests.

        ``rough`` adds jagged detail (1 = as high as the waves), as mountains have it.
        """
        x = np.linspace(0, 1, self.width)
        curve = np.zeros(self.width)
        for octave in range(1, 4):
            phase, pace = self.rng.uniform(0, 2 * np.pi), self.rng.uniform(0.8, 1.2)
            curve += np.sin(2 * np.pi * waves * octave * pace * x + phase) / octave**1.6
        curve /= 1.6
        if rough:
            size, step = 1.0, 1.0
            jagged = np.zeros(self.width)
            for octave in range(6):
                knots = max(3, int(waves * 2 ** (octave + 1)))
                jagged += np.interp(x * (knots - 1), np.arange(knots), self.rng.uniform(-1, 1, knots)) * size
                size, step = size * 0.5, step * 2
            curve = curve * (1 - rough) + jagged * rough
        result: Floats = level - curve * height / 2
        return result
