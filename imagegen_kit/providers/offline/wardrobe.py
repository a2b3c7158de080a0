"""The same person again, otherwise: where a grid asks for other clothes and poses, each cell changes the reference."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from imagegen_kit.providers.offline.cast import CLOTHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.providers.offline.inputs import Given

_CLOTHES = re.compile(r"\b(?:other|different|new|various|another)\b[^.;]*\b(?:clothes|clothing|outfits?)\b", re.I)
_POSES = re.compile(r"\b(?:other|different|new|various|another)\b[^.;]*\bposes?\b", re.I)
NEAR = 32  # of 255: what is of the clothes' colour
TILTS = (0.0, -5.0, 4.0, 0.0, 6.0, -4.0)  # degrees


def changed(references: Sequence[Given], prompt: str, number: int) -> tuple[Given, ...]:
    """Return ``references`` as cell ``number`` of a grid shows them; without such words in the prompt as they are."""
    clothes, poses = _CLOTHES.search(prompt), _POSES.search(prompt)
    found = []
    for given in references:
        picture = given.picture
        if given.cut and given.role in ("content", "character"):
            picture = dressed(picture, number) if clothes else picture
            picture = posed(picture, number) if poses else picture
        found.append(replace(given, picture=picture))
    return tuple(found)


def dressed(person: Image.Image, number: int) -> Image.Image:
    """Return a cut-out person with what it wears in another colour, its folds and outlines kept."""
    pixels = np.asarray(person).copy()
    low = pixels[round(len(pixels) * 0.8) :]
    worn = low[low[..., 3] > 200][:, :3]
    if not len(worn):
        return person
    boxes = (worn // 32).astype(np.int64) @ (64, 8, 1)  # colours by the eighth of each channel
    main = worn[boxes == np.bincount(boxes).argmax()].mean(axis=0)
    lower = pixels[round(len(pixels) * 0.55) :]
    shade = lower[..., :3].astype(np.float32) - main
    like = (np.abs(shade).max(axis=-1) < NEAR) & (lower[..., 3] > 0)
    colours = [c for c in CLOTHES if np.abs(np.array(c) - main).max() > NEAR]
    new = np.clip(np.array(colours[number % len(colours)]) + shade, 0, 255).astype(np.uint8)
    lower[..., :3][like] = new[like]
    return Image.fromarray(pixels)


def posed(person: Image.Image, number: int) -> Image.Image:
    """Return a cut-out person facing the other way in every second cell, the head a little to one side."""
    picture = ImageOps.mirror(person) if number % 2 else person
    tilt = TILTS[number % len(TILTS)]
    if not tilt:
        return picture
    turned = picture.rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    gap = round(np.sin(np.radians(abs(tilt))) * picture.width)  # the lower edge must not show as a slope
    return turned.crop((0, 0, turned.width, turned.height - gap))
