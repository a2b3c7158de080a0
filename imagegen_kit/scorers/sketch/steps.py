"""What can be mended of a sketch without drawing: shades, levels, the paper around it, specks.

Each step looks at the 512 copy, changes a copy of the picture at its full size, and says what it did; None where it has
nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.masks import Mask, share_around
from imagegen_kit.scorers.sketch.needed import needed
from imagegen_kit.scorers.sketch.page import Page, enclosed

WHITE = 255
MARGIN = 6  # levels below the paper's that become white with it
SPECK = 30  # pixels of 512 × 512: a piece of ink that is smaller is dirt, or a dot that nobody misses
OUTSIDE = 0.12  # of the shorter side: ink that stays in this rim is the shadow of a scan, not the drawing


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done: its name, in words, the share of the pixels that it changed, and its numbers."""

    name: str
    what: str
    changed: float
    values: dict[str, float] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {"name": self.name, "what": self.what, "changed": self.changed, "values": dict(self.values)}


Done = tuple[Image.Image, str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """A step: for which failed rules it is tried, and the function that does it."""

    name: str
    rules: tuple[str, ...]
    function: Callable[[Image.Image, Page], Done | None]


def _greyscale(image: Image.Image, page: Page) -> Done:
    return image.convert("L"), "colours became shades of grey", {}


def _levels(image: Image.Image, page: Page) -> Done | None:
    if page.paper < WHITE / 2 or not page.ink.any():
        return None  # dark paper is another picture, and without ink there is nothing to stretch to
    inked, ground = page.grey[page.ink], page.grey[page.off_ink]
    black, stroke = (float(v) for v in np.percentile(inked, (1, 50)))
    lightest = float(np.percentile(ground, 2)) if ground.size else page.paper
    white = max(min(page.paper - MARGIN, lightest), (page.paper + stroke) / 2)  # at most half of the way to the ink
    ramp = (np.arange(256) - black) * (WHITE / (white - black))
    table = np.clip(np.rint(ramp), 0, WHITE).astype(int).tolist()
    words = f"levels {black:.0f} to {white:.0f} stretched from black to white"
    return image.point(table * len(image.getbands())), words, {"black": black, "white": white}


def _border(image: Image.Image, page: Page) -> Done | None:
    height, width = page.grey.shape
    deep = max(1, round(OUTSIDE * min(height, width)))
    parts, count = needed().label(page.ink, np.ones((3, 3)))
    inner = np.zeros(count + 1, dtype=bool)
    inner[np.unique(parts[deep:-deep, deep:-deep])] = True
    drawing: Mask = inner[parts] & page.ink
    if not drawing.any():
        return None
    outside = (share_around(drawing, 2) == 0) & ~enclosed(drawing)
    return _whitened(image, outside), "what lies around the figure became white", {}


def _specks(image: Image.Image, page: Page) -> Done | None:
    parts, count = needed().label(page.ink, np.ones((3, 3)))
    areas = np.bincount(parts.ravel(), minlength=count + 1)
    small = areas < SPECK
    small[0] = False
    if not small.any() or not (areas[1:] >= SPECK).any():
        return None
    specks: Mask = share_around(small[parts], 4) > 0  # with their soft edge
    specks &= share_around(~small[parts] & page.ink, 1) == 0  # strokes beside them stay whole
    found = int(small.sum())
    return _whitened(image, specks), f"{found} {'speck' if found == 1 else 'specks'} removed", {"specks": float(found)}


def _whitened(image: Image.Image, where: Mask) -> Image.Image:
    """Return a copy that is white where the 512 copy's ``where`` is set."""
    mask = Image.fromarray(where.astype(np.uint8) * 255)
    if mask.size != image.size:
        mask = mask.resize(image.size, Image.Resampling.BILINEAR)
    whitened = image.copy()
    whitened.paste((WHITE,) * len(image.getbands()) if image.mode != "L" else WHITE, mask=mask)
    return whitened


STEPS = (
    StepDefinition("greyscale", ("greyscale",), _greyscale),
    StepDefinition("levels", ("paper", "background", "rim", "shading", "texture", "photo"), _levels),
    StepDefinition("border", ("background", "rim", "texture", "photo"), _border),
    StepDefinition("specks", ("pieces", "thin_lines", "background"), _specks),
)


def apply(step: StepDefinition, image: Image.Image) -> tuple[Image.Image, Step] | None:
    """Return the picture after a step and the record of it; None where nothing changed."""
    done = step.function(image, Page(image))
    if done is None:
        return None
    after, words, values = done
    changed = _changed(image, after)
    return (after, Step(step.name, words, changed, values)) if changed else None


def _changed(before: Image.Image, after: Image.Image) -> float:
    a, b = (np.asarray(flatten(image)) for image in (before, after))
    return float((a != b).any(axis=2).mean())
