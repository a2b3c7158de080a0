"""The models of the simulated OpenAI: what each takes, and how many tokens its pictures are.

Sources: openai 3.52.0 (``ImageModel``, ``image_generate_params``), pages on its limits of size; tokens by size and
quality are list prices of 2026-11 divided by the rate, and between those sizes a line through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FIXED = ("1024x1024", "1536x1024", "1024x1536")
QUALITIES = ("low", "medium", "high")
STEP, MAX_SIDE, MIN_PIXELS, MAX_PIXELS, MAX_ASPECT = 16, 3840, 655_360, 8_294_400, 3
SQUARE = 1024 * 1024
GROWTH = 0.31  # tokens of 3840 × 2160 are 1.9 times those of 1024 × 1024, which has an eighth of the pixels


@dataclass(frozen=True, slots=True)
class ImageModel:
    """One model that draws. ``tokens`` are those of a 1024 × 1024 picture by quality."""

    tokens: Mapping[str, int]
    free_sizes: bool = True
    fidelity: tuple[str, ...] = ()
    markup: bool = False
    complexity: bool = False

    def made(self, quality: str, width: int, height: int) -> int:
        """Return the tokens of one picture."""
        upright = 0.78 if width != height and width * height == 1024 * 1536 else (width * height / SQUARE) ** GROWTH
        return round(self.tokens["medium" if quality == "auto" else quality] * upright)


_OLD = ImageModel({"low": 272, "medium": 1056, "high": 4160}, free_sizes=False, fidelity=("high", "low"))
_2 = ImageModel({"low": 196, "medium": 1756, "high": 7024})
_25 = ImageModel({"low": 196, "medium": 439, "high": 1756, "xhigh": 3122, "max": 7024}, markup=True)
_26 = ImageModel(
    {"low": 686, "medium": 1537, "high": 1756, "xhigh": 3122, "max": 7024}, markup=True, complexity=True
)  # low and medium: 3.5 times those of 2.5
IMAGE_MODELS = {
    "gpt-image-1.5": _OLD,
    "chatgpt-image-latest": ImageModel(_OLD.tokens, free_sizes=False),
    "gpt-image-1-mini": ImageModel(_OLD.tokens, free_sizes=False, fidelity=("low",)),
    "gpt-image-2": _2,
    "gpt-image-2-2026-04-21": _2,
    "gpt-image-2.5-sunburst": _25,
    "gpt-image-2.5-sunburst-2026-09-08": _25,
    "gpt-image-2.5-flare": _25,
    "gpt-image-2.5-flare-2026-09-08": _25,
    "gpt-image-2.6-sunburst": _26,
    "gpt-image-2.6-flare": _26,
}
RETIRED = ("gpt-image-1", "dall-e-3", "dall-e-2")
TEXT_MODELS = frozenset(
    (
        "gpt-6-astra", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-terra",
        "gpt-5.6-luna", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano",
    )
)  # fmt: skip
GIVEN_TOKENS = 194  # of one given picture: 65 and 129 for each tile of 512 pixels, as documented for gpt-image-1


def size_fault(model: ImageModel, width: int, height: int) -> str | None:
    """Return why a size is refused, None where it is taken."""
    if f"{width}x{height}" in FIXED:
        return None
    if not model.free_sizes:
        return f"Supported values are: {', '.join(repr(size) for size in (*FIXED, 'auto'))}."
    if width % STEP or height % STEP:
        return f"Width and height must both be divisible by {STEP}."
    if max(width, height) > MAX_SIDE or max(width, height) / min(width, height) > MAX_ASPECT:
        return f"A side may be {MAX_SIDE} pixels, and the longer one {MAX_ASPECT} times the shorter one."
    if not MIN_PIXELS <= width * height <= MAX_PIXELS:
        return f"The picture must have between {MIN_PIXELS} and {MAX_PIXELS} pixels."
    return None


def given_tokens(pictures: int) -> int:
    """Return the tokens of so many given pictures."""
    return GIVEN_TOKENS * pictures
