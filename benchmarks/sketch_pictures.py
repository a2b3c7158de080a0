"""Sketches drawn from openclipart, good ones and ones that each break one rule, for the benchmark ``sketch``.

A good sketch is the outline of a simplified drawing in thick dark strokes on light paper, with what real ones have: an
uneven hand, pencil grain inside the stroke, paper that is not quite white, other sizes and shapes, JPEG. The bad ones
are the same drawing with one thing wrong. How much of it is wrong is fixed here and was not chosen by the rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from benchmarks.openclipart import Drawing

LONGEST = 512  # pixels at which a figure is outlined; strokes are measured in these
SIMPLE = 9  # pixels: what is smaller than such a square goes into its surroundings
CONTRAST = 40  # levels by which two areas differ that have a line between them
SHORTEST = 20  # pixels of a line
OF_FOLDER = 2  # figures of one folder, for some hold hundreds that are alike

Grey = np.ndarray  # (height, width) float32, 0 black … 255 white
Mask = np.ndarray  # (height, width) bool


@dataclass
class Figure:
    """A drawing on its canvas, and what the classes are made of; ``rng`` is seeded by its path."""

    name: str
    clip: Image.Image  # the unmodified clip art on the canvas, RGB
    body: Mask  # where it is
    rng: np.random.Generator

    @cached_property
    def boundary(self) -> Mask:
        """The lines of the simplified drawing, one or two pixels wide."""
        few = (
            self.clip.filter(ImageFilter.GaussianBlur(1.5)).quantize(6, kmeans=1).filter(ImageFilter.ModeFilter(SIMPLE))
        )
        colours = np.asarray(few.convert("RGB"), dtype=np.int16)
        lines = np.zeros(self.body.shape, dtype=bool)
        lines[:, 1:] |= np.abs(np.diff(colours, axis=1)).max(axis=2) > CONTRAST
        lines[1:, :] |= np.abs(np.diff(colours, axis=0)).max(axis=2) > CONTRAST
        around = ndimage.binary_dilation(self.body) ^ self.body
        parts, count = ndimage.label(lines | around, np.ones((3, 3)))
        lengths = np.bincount(parts.ravel(), minlength=count + 1)
        kept: Mask = (lengths >= SHORTEST)[parts] & (parts > 0)
        return kept

    @cached_property
    def away(self) -> Grey:
        """Pixels from each place to the nearest line."""
        return ndimage.distance_transform_edt(~self.boundary).astype(np.float32)

    def strokes(self, width: float, uneven: float = 0.25, grain: float = 0.2) -> Grey:
        """How much ink lies on each pixel, 0 to 1, of lines ``width`` pixels wide."""
        hand = soft_noise(self.rng, self.body.shape, 24) * uneven * width / 2
        ink = np.clip(width / 2 + hand - self.away + 0.5, 0, 1)
        inked: Grey = ink * (1 - grain * self.rng.random(ink.shape, dtype=np.float32))
        return inked

    def drawn(self, ink: Grey, paper: float | Grey | None = None, dark: float | None = None) -> Grey:
        """Put ``ink`` on paper: both of their own shade where none is given."""
        paper = self.paper if paper is None else paper
        dark = self.dark if dark is None else dark
        return paper * (1 - ink) + dark * ink

    @cached_property
    def paper(self) -> float:
        return float(self.rng.uniform(246, 255))

    @cached_property
    def dark(self) -> float:
        return float(self.rng.uniform(15, 80))

    @cached_property
    def width(self) -> float:
        return float(self.rng.uniform(5, 9))


def soft_noise(rng: np.random.Generator, shape: tuple[int, int], grain: int) -> Grey:
    """Noise of about ±1 that changes over ``grain`` pixels."""
    height, width = shape
    coarse = rng.standard_normal((height // grain + 2, width // grain + 2)).astype(np.float32)
    wide = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(wide), -2, 2)


# ---------------------------------------------------------------------- classes
def good(figure: Figure) -> Image.Image:
    return grey_picture(figure.drawn(figure.strokes(figure.width)))


def colour(figure: Figure) -> Image.Image:
    """Half of them with coloured areas, the clip art's own where it has any, half with coloured ink."""
    ink = figure.strokes(figure.width)[..., None]
    tone = np.array([*figure.rng.permutation([figure.rng.uniform(120, 200), figure.rng.uniform(0, 90), 20])])
    paper = np.full((*figure.body.shape, 3), figure.paper)
    own = np.asarray(figure.clip, dtype=np.float32)
    if figure.rng.random() < 0.5:
        return Image.fromarray((paper * (1 - ink) + tone * ink).clip(0, 255).astype(np.uint8))
    coloured = (np.ptp(own, axis=2) > 40) & figure.body
    if coloured.sum() < 0.05 * figure.body.sum():
        own = np.broadcast_to(255 - (255 - tone) * 0.6, own.shape)
    paper[figure.body] = own[figure.body]
    return Image.fromarray((paper * (1 - ink) + figure.dark * ink).clip(0, 255).astype(np.uint8))


def shaded(figure: Figure) -> Image.Image:
    """A third of them with the clip art's own greys where it has any, the others with light from one side."""
    own = np.asarray(figure.clip.convert("L"), dtype=np.float32)
    middle = (own > 70) & (own < 220) & figure.body
    if not (figure.rng.random() < 1 / 3 and middle.sum() > 0.15 * figure.body.sum()):
        down, across = np.mgrid[: own.shape[0], : own.shape[1]].astype(np.float32)
        turn = figure.rng.uniform(0, 2 * np.pi)
        along = across * np.cos(turn) + down * np.sin(turn)
        low, high = along[figure.body].min(), along[figure.body].max()
        own = figure.rng.uniform(60, 130) + (along - low) / max(high - low, 1) * figure.rng.uniform(90, 125)
    paper = np.where(figure.body, np.minimum(own, figure.paper), figure.paper)
    return grey_picture(figure.drawn(figure.strokes(figure.width), paper))


def thin(figure: Figure) -> Image.Image:
    return grey_picture(figure.drawn(figure.strokes(figure.rng.uniform(1, 1.6), uneven=0.1)))


def dirty(figure: Figure) -> Image.Image:
    """Smudges, dust, a scan's dark rims, or paper that is grey."""
    shape = figure.body.shape
    kind = figure.rng.integers(4)
    paper = np.full(shape, figure.paper, dtype=np.float32)
    if kind == 0:
        paper -= np.clip(soft_noise(figure.rng, shape, 60) - 0.4, 0, 1) * figure.rng.uniform(40, 90)
    elif kind == 1:
        dust = ndimage.gaussian_filter((figure.rng.random(shape) < 0.004).astype(np.float32), 1.1)
        paper -= np.clip(dust * 900, 0, figure.rng.uniform(60, 160))
    elif kind == 2:
        down, across = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
        paper -= np.maximum(np.abs(down), np.abs(across)) ** 6 * figure.rng.uniform(60, 120)
    else:
        paper -= figure.rng.uniform(40, 90)
    return grey_picture(figure.drawn(figure.strokes(figure.width), paper))


def textured(figure: Figure) -> Image.Image:
    """Grain on all of the paper, a weave, or grain on the figure alone."""
    shape = figure.body.shape
    kind = figure.rng.integers(3)
    strength = figure.rng.uniform(7, 16)
    texture = figure.rng.standard_normal(shape).astype(np.float32)
    if kind == 1:
        down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        step = figure.rng.uniform(0.7, 1.4)
        texture = 0.7 * (np.sin(across * step) + np.sin(down * step))
    if kind == 2:
        texture = np.where(figure.body, texture * 1.5, 0)
    paper = figure.paper - 8 + texture * strength
    return grey_picture(figure.drawn(figure.strokes(figure.width), paper.clip(0, 255)))


def hatched(figure: Figure) -> Image.Image:
    """Parallel strokes over at least half of the figure, half of them in two directions."""
    down, across = np.mgrid[: figure.body.shape[0], : figure.body.shape[1]].astype(np.float32)
    ink = figure.strokes(figure.width)
    turn, step = figure.rng.uniform(0, np.pi), figure.rng.uniform(8, 13)
    wide = figure.rng.uniform(1.5, 3.5)
    way = across * np.cos(turn) + down * np.sin(turn)
    part = figure.body & (way <= np.quantile(way[figure.body], figure.rng.uniform(0.5, 1)))
    for angle in (turn, turn + np.pi / 2)[: figure.rng.integers(1, 3)]:
        phase = (across * np.cos(angle) + down * np.sin(angle)) % step
        line = np.clip(wide / 2 - np.abs(phase - step / 2) + 0.5, 0, 1)
        ink = np.maximum(ink, np.where(part, line * 0.9, 0))
    return grey_picture(figure.drawn(ink))


def clip_art(figure: Figure) -> Image.Image:
    return figure.clip


CLASSES: Mapping[str, Callable[[Figure], Image.Image]] = {
    "good": good, "colour": colour, "shaded": shaded, "thin": thin, "dirty": dirty, "textured": textured,
    "hatched": hatched, "clip art": clip_art,
}  # fmt: skip


def grey_picture(grey: Grey) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


# ---------------------------------------------------------------------- figures
def finished(figure: Figure, kind: str) -> Image.Image:
    """Return the picture of a class as it might come: of another size, half of them through JPEG, in RGB."""
    figure.rng = seeded(figure.name, kind)
    for name in ("paper", "dark", "width"):
        figure.__dict__.pop(name, None)
    image = CLASSES[kind](figure).convert("RGB")
    scale = figure.rng.choice([0.75, 1, 1.5, 2])
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    if figure.rng.random() < 0.5:
        out = BytesIO()
        image.save(out, "JPEG", quality=int(figure.rng.integers(80, 96)))
        image = Image.open(out).convert("RGB")
    return image


def seeded(*words: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:8]))


def figures(share: Path, every: list[Drawing], half: str, count: int) -> Iterator[Figure]:
    """Yield ``count`` figures of a half in the order of their paths' hashes: those that have a body to outline."""
    of_folder: dict[str, int] = {}
    found = 0
    for drawing in sorted(every, key=lambda d: hashlib.sha256(d.path.encode()).digest()):
        if drawing.half != half or of_folder.get(drawing.folder, 0) >= OF_FOLDER:
            continue
        figure = placed(share / "png" / drawing.path, drawing.path)
        if figure is None:
            continue
        of_folder[drawing.folder] = of_folder.get(drawing.folder, 0) + 1
        yield figure
        found += 1
        if found == count:
            return


def placed(path: Path, name: str) -> Figure | None:
    """Put the clip art on a canvas; None where its body is no single figure of 8 to 60 % of the canvas."""
    rng = seeded(name)
    with Image.open(path) as image:
        art = image.convert("RGBA")
    art = art.crop(art.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox())
    if min(art.size) < 40:
        return None
    width, height = (LONGEST, round(LONGEST * rng.uniform(0.66, 1)))
    if art.height > art.width:
        width, height = height, width
    fill = rng.uniform(0.62, 0.84)
    scale = fill * min(width / art.width, height / art.height)
    art = art.resize((max(1, round(art.width * scale)), max(1, round(art.height * scale))), Image.Resampling.LANCZOS)
    at = (width - art.width) // 2, (height - art.height) // 2
    clip = Image.new("RGB", (width, height), "white")
    clip.paste(art, at, art.getchannel("A"))
    solid = Image.new("L", (width, height))
    solid.paste(art.getchannel("A"), at)
    smooth = ndimage.gaussian_filter(np.asarray(solid, dtype=np.float32), 2) > 110
    parts, count = ndimage.label(smooth)
    if not count:
        return None
    areas = np.bincount(parts.ravel())[1:]
    body = parts == 1 + int(areas.argmax())
    if areas.max() < 0.8 * areas.sum() or not 0.08 < body.mean() < 0.6:
        return None
    return Figure(name, clip, smooth, rng)
