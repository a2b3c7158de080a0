"""What a model's own processor makes of pictures and texts, before any tower: the same for torch and onnxruntime.

Texts go to the tokenizer and pictures to the image processor, each called by itself. Neither opens anything: the
``encode`` of sentence-transformers takes a text that names a picture file or starts with ``http`` for a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

# These read the last token of a text of full length; padded to the longest of its batch, a text would get another
# vector in each company.
PADDED_TO_THE_END = ("siglip", "siglip2")
WIDEST = 8  # of pictures whose short side is fitted: a strip of 1 × 10,000 would otherwise grow to 500 megapixels


class Front:
    """A model's image processor and, where it reads texts, its tokenizer."""

    def __init__(self, processor: Any, config: Any) -> None:
        self.processor = processor
        self.images = getattr(processor, "image_processor", processor)
        self.tokenizer = getattr(processor, "tokenizer", None)
        self.padding: str | bool = "max_length" if config.model_type in PADDED_TO_THE_END else True
        text = getattr(config, "text_config", config)
        limits = (getattr(self.tokenizer, "model_max_length", None), getattr(text, "max_position_embeddings", None))
        self.max_tokens = min((n for n in limits if n), default=None)

    def pixels(self, images: Sequence[Image.Image], tensors: str) -> Mapping[str, Any]:
        """Return what the vision tower takes for RGB pictures; ``tensors`` is "pt" or "np"."""
        size = getattr(self.images, "size", None) or {}
        fits_short_side = "shortest_edge" in size and getattr(self.images, "do_center_crop", False)
        ready = [_middle(image) for image in images] if fits_short_side else list(images)
        found: Mapping[str, Any] = self.images(images=ready, return_tensors=tensors)
        return found

    def tokens(self, texts: Sequence[str], tensors: str) -> Mapping[str, Any]:
        """Return what the text tower takes."""
        assert self.tokenizer is not None
        found: Mapping[str, Any] = self.tokenizer(
            list(texts),
            padding=self.padding,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors=tensors,
        )
        return found

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has before it is cut to ``max_tokens``, with the marks at its ends."""
        assert self.tokenizer is not None
        found = self.tokenizer(list(texts), padding=False, truncation=False, verbose=False)["input_ids"]
        return [len(ids) for ids in found]


def _middle(image: Image.Image) -> Image.Image:
    """Return the middle of a picture that is more than 8 times as long as it is wide; the model sees no more of it."""
    width, height = image.size
    short = min(width, height)
    if max(width, height) <= WIDEST * short:
        return image
    keep = WIDEST * short
    left, upper = max(0, (width - keep) // 2), max(0, (height - keep) // 2)
    return image.crop((left, upper, left + min(width, keep), upper + min(height, keep)))
