"""The models of simulated Google services: what each takes, and how many tokens its pictures are.

Limits: Google's model pages and google-genai 3.4.0 (``ImageConfig``, list of models). Output tokens: price lists of
2026-11 (genai-prices 0.2.3, litellm 1.109.1); those of 4K pictures, and of 2K of Nano Banana 2.1, are derived from
prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagegen_kit.types.sizes import Size

TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
FOURTEEN = (*TEN, "1:8", "8:1", "1:4", "4:1")
LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
# Pixels at 1K as Google documents them for ten ratios; larger sizes are multiples.
PIXELS = {
    "1:1": (1024, 1024), "2:3": (832, 1248), "3:2": (1248, 832), "3:4": (864, 1184), "4:3": (1184, 864),
    "4:5": (896, 1152), "5:4": (1152, 896), "9:16": (768, 1344), "16:9": (1344, 768), "21:9": (1536, 672),
}  # fmt: skip
SCALE = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}


@dataclass(frozen=True, slots=True)
class ImageModel:
    """One model that draws. ``tokens`` are those of one picture by size, ``input_tokens`` those of one given picture.

    ``levels`` are the thinking levels that it takes (none: it does not think), ``thoughts`` its tokens of thinking.
    """

    tokens: Mapping[str, int]
    ratios: tuple[str, ...] = FOURTEEN
    references: int = 14
    input_tokens: int = 1120
    levels: tuple[str, ...] = LEVELS
    thoughts: int = 0
    mime: str = "image/png"


IMAGE_MODELS = {
    "gemini-2.5-flash-image": ImageModel({"1K": 1290}, ratios=TEN, references=3, input_tokens=258, levels=()),
    "gemini-3-pro-image": ImageModel({"1K": 1120, "2K": 1120, "4K": 2000}, ratios=TEN, input_tokens=560, thoughts=180),
    "gemini-3.1-flash-image": ImageModel({"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}),
    "gemini-3.1-flash-lite-image": ImageModel({"1K": 1120}, ratios=TEN),
    "gemini-nano-banana-2.1": ImageModel(
        {"1K": 1120, "2K": 1680, "4K": 3800}, levels=("MINIMAL", "MEDIUM", "HIGH"), mime="image/jpeg"
    ),
}
IMAGE_ALIASES = {"nano-banana-pro-preview": "gemini-3-pro-image"}
TEXT_MODELS = frozenset(
    (
        "gemini-flash-latest", "gemini-flash-lite-latest", "gemini-pro-latest", "gemini-2.5-flash", "gemini-2.5-pro",
        "gemini-2.5-flash-lite", "gemini-3.1-flash-lite", "gemini-3.5-flash", "gemini-3.5-flash-lite",
        "gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash", "gemini-4-argon", "gemini-4-carbon",
        "gemini-4-hydrogen",
    )
)  # fmt: skip
TEXT_INPUT_TOKENS = 258  # of one picture given to a text model
VIDEO_MODELS = {"gemini-omni-flash-preview": 10, "gemini-omni-1.1-flash": 10, "gemini-omni-1.2-flash": 15}  # seconds
VIDEO_TOKENS = 5792  # a second at 720p
IMAGEN_MODELS = ("imagen-4.0-generate-001", "imagen-4.0-fast-generate-001", "imagen-4.0-ultra-generate-001")
IMAGEN_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
VEO_MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001")


def image_model(name: str) -> ImageModel | None:
    """Return the model that draws under ``name``, or None."""
    return IMAGE_MODELS.get(IMAGE_ALIASES.get(name, name))


def pixels(ratio: str, size: str) -> tuple[int, int]:
    """Return (width, height) of a ratio at a size such as "1K"."""
    width, height = PIXELS.get(ratio) or Size(ratio=ratio).pixels(1024)
    return round(width * SCALE[size]), round(height * SCALE[size])
