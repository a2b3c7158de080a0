"""Gives a picture another main colour and leaves its outlines, highlights and other colours as they are."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imagegen_kit.providers.offline.draw import Colour

GREYS = ("black", "white", "grey", "gray", "silver", "beige", "brown")


def tint(picture: Image.Image, target: Colour, word: str = "") -> Image.Image:
    """Return ``picture`` (RGBA) with its main colour moved to ``target``; white or grey things are dyed as a whole."""
    hsv = np.asarray(picture.convert("RGB").convert("HSV")).astype(np.int16)
    alpha = np.asarray(picture.getchannel("A"))
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    wanted = np.asarray(Image.new("RGB", (1, 1), target).convert("HSV"))[0, 0].astype(np.int16)
    visible = alpha > 100
    coloured = visible & (saturation > 70) & (value > 50)
    if coloured.sum() > 0.18 * max(1, int(visible.sum())):
        counts = np.bincount(hue[coloured] // 8, minlength=32)
        main = int((counts + np.roll(counts, 1) + np.roll(counts, -1)).argmax()) * 8 + 4
        apart = np.abs((hue - main + 128) % 256 - 128)
        change = visible & (apart < 30) & (saturation > 45)
        reference = float(np.median(value[change])) if change.any() else 180.0
    else:
        change = visible & (value > 70)
        reference = float(np.percentile(value[change], 70)) if change.any() else 220.0
        saturation = np.where(change, np.maximum(saturation, 40), saturation)
    hue = np.where(change, wanted[0], hue)
    typical = max(1.0, float(np.median(saturation[change])) if change.any() else 1.0)
    dyed = np.clip(saturation * (float(wanted[1]) / typical), 0, 255)
    saturation = np.where(change, dyed, saturation)
    lit = np.clip(value * (0.35 + 0.65 * float(wanted[2]) / max(reference, 60.0)), 0, 255)
    if word in GREYS:
        lit = np.clip((value - reference) * 0.6 + float(wanted[2]), 0, 255)
    value = np.where(change, lit, value)
    rgb = Image.fromarray(np.stack([hue, saturation, value], axis=-1).astype(np.uint8), "HSV").convert("RGB")
    rgb.putalpha(picture.getchannel("A"))
    return rgb
