"""Pixels to bytes: modes that each format can hold, without losing more than the format forces."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

SUFFIXES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
_HOLDS = {
    "png": ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"),
    "jpeg": ("L", "RGB", "CMYK"),
    "webp": ("RGB", "RGBA"),
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {},
    "jpeg": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True, "method": 0, "quality": 0},  # a tenth of the time of method 2 for 17 % more bytes
}


def has_alpha(image: Image.Image) -> bool:
    """Say whether some pixels of ``image`` may be transparent."""
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def plain(image: Image.Image) -> Image.Image:
    """Return ``image`` in mode RGB, or RGBA where it has transparency, whatever its mode was."""
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16") or image.mode == "I":  # Pillow clips 16 bits at 255 instead of scaling them
        return image.convert("I").point(lambda value: value * (1 / 257) + 0).convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    return image.convert("RGBA" if has_alpha(image) else "RGB")


def flatten(image: Image.Image, paper: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """Return ``image`` in mode RGB, on ``paper`` where it is transparent."""
    image = plain(image)
    if image.mode == "RGB":
        return image
    below = Image.new("RGB", image.size, paper)
    below.paste(image, mask=image.getchannel("A"))
    return below


def encode(image: Image.Image, format: str = "png") -> bytes:
    """Return ``image`` as a file of ``format`` ("png", "jpeg" or "webp"), with its colour profile.

    PNG and WebP keep every pixel; JPEG is written at quality 95 on white paper. No other metadata is written.
    """
    if image.mode not in _HOLDS[format] or (format != "png" and "transparency" in image.info):
        image = flatten(image) if format == "jpeg" else plain(image)
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "P"):
        options = {**_OPTIONS[format], "icc_profile": profile}
    else:
        options = _OPTIONS[format]
    out = BytesIO()
    image.save(out, format.upper(), **options)
    return out.getvalue()
