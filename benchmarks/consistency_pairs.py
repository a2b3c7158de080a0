"""Pairs of pictures that show one figure or two, built from openclipart: what consistency is tuned and tested on.

A pair is a figure on white and an edited picture: of the same figure, or, under the very same edits, of another one of
its folder. All edits come at once: turned by up to 12°, a side cut off, every other one mirrored, recoloured a little,
smaller and elsewhere, on a background that is even or runs from one colour to another. Figures belong to a half by the
hash of their file's name; everything drawn by chance hangs on that name alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.openclipart import Drawing, drawings

SIDE = 512  # pixels of every picture
OF_FOLDER = 4  # figures at most, so that no series decides


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of everything; ``cut`` is the share cut off a side (0 left, 1 top, 2 right, 3 bottom)."""

    degrees: float
    mirrored: bool
    hue: float
    saturation: float
    value: float
    scale: float
    place: tuple[float, float]
    cut: float
    side: int
    colours: np.ndarray  # (2, 3): the background's, above and below
    even: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """``figure`` and ``other`` are drawings of one folder; their pictures are made when they are asked for."""

    figure: Drawing
    other: Drawing
    edit: Edit
    share: Path

    @property
    def plain(self) -> Image.Image:
        """The figure on white."""
        return on_white(_figure(self.share, self.figure))

    @property
    def same(self) -> Image.Image:
        """The same figure, edited."""
        return edited(_figure(self.share, self.figure), self.edit)

    @property
    def different(self) -> Image.Image:
        """The other figure under the same edits."""
        return edited(_figure(self.share, self.other), self.edit)

    def on_scene(self, scene: Image.Image) -> tuple[Image.Image, Image.Image]:
        """Return ``same`` and ``different``, pasted on a picture."""
        both = (_figure(self.share, drawing) for drawing in (self.figure, self.other))
        same, different = (edited(figure, self.edit, scene) for figure in both)
        return same, different


def pairs(share: Path, half: str) -> Iterator[Pair]:
    """Yield each figure of ``half`` with the next one of its folder, in order of their hashes."""
    inside: dict[str, list[Drawing]] = defaultdict(list)
    for drawing in drawings(share):
        if drawing.half == half:
            inside[drawing.folder].append(drawing)
    for folder in sorted(inside):
        figures = [d for d in sorted(inside[folder], key=_digest) if figure_of(share, d) is not None][:OF_FOLDER]
        if len(figures) < 2:
            continue
        for place, figure in enumerate(figures):
            yield Pair(figure, figures[(place + 1) % len(figures)], edit_of(figure.path), share)


def _digest(drawing: Drawing) -> bytes:
    return hashlib.sha256(f"consistency {drawing.path}".encode()).digest()


def edit_of(name: str) -> Edit:
    """Return the edit that belongs to a name."""
    chance = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))
    return Edit(
        degrees=chance.uniform(-12, 12),
        mirrored=bool(chance.integers(2)),
        hue=chance.uniform(-12, 12) / 360,
        saturation=chance.uniform(0.8, 1.2),
        value=chance.uniform(0.85, 1.1),
        scale=chance.uniform(0.55, 0.9),
        place=(chance.uniform(), chance.uniform()),
        cut=chance.uniform(0, 0.15),
        side=int(chance.integers(4)),
        colours=chance.uniform(60, 255, (2, 3)),
        even=bool(chance.integers(2)),
    )


def figure_of(share: Path, drawing: Drawing) -> Image.Image | None:
    """Return the figure as RGBA without margins, at most 460 pixels long; None for what has no shape of its own."""
    with Image.open(share / "png" / drawing.path) as stored:
        image = stored.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"))
    box = image.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 24:
        return None
    inside = alpha[box[1] : box[3], box[0] : box[2]] > 128
    if not 0.05 < inside.mean() < 0.97:  # hairlines; rectangles that are pictures with a background
        return None
    figure = image.crop(box)
    figure.thumbnail((460, 460), Image.Resampling.BOX)
    return figure


def _figure(share: Path, drawing: Drawing) -> Image.Image:
    figure = figure_of(share, drawing)
    assert figure is not None, f"{drawing.path} was chosen for its shape"
    return figure


def on_white(figure: Image.Image) -> Image.Image:
    """Return the figure in the middle of a white picture."""
    scale = 0.8 * SIDE / max(figure.size)
    figure = figure.resize((max(1, round(figure.width * scale)), max(1, round(figure.height * scale))))
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    canvas.paste(figure, ((SIDE - figure.width) // 2, (SIDE - figure.height) // 2), figure)
    return canvas


def edited(figure: Image.Image, edit: Edit, scene: Image.Image | None = None) -> Image.Image:
    """Return the figure under all edits at once; ``scene`` is what it is pasted on in place of the edit's colours."""
    figure = recoloured(figure, edit)
    if edit.mirrored:
        figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    figure = figure.rotate(edit.degrees, Image.Resampling.BICUBIC, expand=True)
    figure = figure.crop(figure.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox())
    scale = edit.scale * SIDE / max(figure.size)
    figure = figure.resize((max(1, round(figure.width * scale)), max(1, round(figure.height * scale))))
    room = [SIDE - figure.width, SIDE - figure.height]
    at = [round(room[0] * edit.place[0]), round(room[1] * edit.place[1])]
    axis = edit.side % 2  # the side that is cut off lies outside the picture
    lost = round(edit.cut * figure.size[axis])
    at[axis] = -lost if edit.side < 2 else room[axis] + lost
    canvas = background(edit) if scene is None else scene.convert("RGB").resize((SIDE, SIDE))
    canvas.paste(figure, (at[0], at[1]), figure)
    return canvas


def recoloured(figure: Image.Image, edit: Edit) -> Image.Image:
    """Return the figure with its hues turned, its colours stronger or weaker, lighter or darker."""
    hue, saturation, value = (np.asarray(c, dtype=np.float32) for c in figure.convert("RGB").convert("HSV").split())
    parts = ((hue + 255 * edit.hue) % 256, saturation * edit.saturation, value * edit.value)
    bands = [Image.fromarray(np.clip(part, 0, 255).astype(np.uint8)) for part in parts]
    colours = Image.merge("HSV", bands).convert("RGB")
    colours.putalpha(figure.getchannel("A"))
    return colours


def background(edit: Edit) -> Image.Image:
    """Return an even background, or one that runs from a colour to another."""
    above, below = edit.colours[0], edit.colours[0] if edit.even else edit.colours[1]
    part = np.linspace(0, 1, SIDE)[:, None]
    rows = above * (1 - part) + below * part
    return Image.fromarray(np.repeat(rows[:, None], SIDE, axis=1).astype(np.uint8))
