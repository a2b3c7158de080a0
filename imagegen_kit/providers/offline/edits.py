"""Edits under a mask: the scene is painted into the white area, every other pixel stays what it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from imagegen_kit.providers.offline.abstract import abstract
from imagegen_kit.providers.offline.backdrops import LIGHTS, Ground
from imagegen_kit.providers.offline.brief import Brief
from imagegen_kit.providers.offline.cast import cast
from imagegen_kit.providers.offline.draw import Canvas, Floats
from imagegen_kit.providers.offline.layout import arrange
from imagegen_kit.providers.offline.panels import Painter, compose
from imagegen_kit.providers.offline.placing import place_items


def inpaint(
    brief: Brief,
    base: Image.Image,
    mask: Image.Image,
    paint: Painter,
    finish: Callable[[Brief, Image.Image], Image.Image],
) -> Image.Image:
    """Paint the scene into the white of ``mask``; every pixel outside stays as it is in ``base``."""
    under = base.convert("RGB")
    area = mask.getbbox()
    if area is None:
        return under
    width, height = area[2] - area[0], area[3] - area[1]
    part = Brief(
        brief.scene,
        brief.prompt,
        (width, height),
        brief.library,
        brief.references,
        brief.excluded,
        brief.turn,
        brief.seeds,
    )
    if brief.scene.place or brief.scene.layout in ("split", "grid"):
        painted = compose(part, (width, height), paint)
    else:
        painted = _painted_on(_filled(under, mask).crop(area), part)
    result = under.copy()
    result.paste(finish(brief, painted), area[:2], mask.crop(area))
    return result


def _filled(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """Return ``picture`` with the white of ``mask`` filled from what surrounds it, nearest colours first."""
    colours = np.asarray(picture).astype(np.float32)
    weight = (np.asarray(mask) < 128).astype(np.float32)
    result: Floats = colours * weight[..., None]
    known: Floats = weight
    for step in (8, 32, 128, 512):
        small = (max(1, picture.width // step), max(1, picture.height // step))
        share = (
            Image.fromarray(weight).resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC)
        )
        near = np.asarray(share)
        planes = [
            np.asarray(
                Image.fromarray(colours[..., k] * weight)
                .resize(small, Image.Resampling.BOX)
                .resize(picture.size, Image.Resampling.BICUBIC)
            )
            for k in range(3)
        ]
        usable = np.clip((near - 0.02) * 8, 0, 1) * (1 - known)
        result += np.stack(planes, axis=-1) / np.maximum(near, 0.02)[..., None] * usable[..., None]
        known = known + usable
    return Image.fromarray(np.clip(result / np.maximum(known, 0.05)[..., None], 0, 255).astype(np.uint8))


def _painted_on(back: Image.Image, brief: Brief) -> Image.Image:
    rng = brief.arranging()
    canvas = Canvas(back.width, back.height, rng)
    canvas.image = back.copy()
    groups = cast(brief.scene, brief.library, brief.references, brief.excluded, rng, brief.turn)
    if not any(groups):
        return abstract(brief, back.width, back.height, rng)
    items = arrange(brief.scene, groups, back.width / back.height, rng)
    place_items(canvas, items, brief.scene, Ground(0.95, 0.25), LIGHTS[brief.scene.light], False)
    return canvas.image
