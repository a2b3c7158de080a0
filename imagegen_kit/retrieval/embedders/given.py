"""What embedders are given and give back: pictures as RGB, texts that a file can hold, vectors of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, PluginError
from imagegen_kit.imaging.decode import DEFAULT
from imagegen_kit.imaging.encode import flatten

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MAX_CHARACTERS = 20_000  # far more than any text tower reads; a tokenizer's time grows with the text


def checked_pictures(images: Sequence[Image.Image]) -> Sequence[Image.Image]:
    """Return ``images``, none of them decoded yet.

    Raises InvalidInput for what is no PIL image (paths and addresses are never opened here), and for pictures of more
    than 50 megapixels by their header.
    """
    faults = []
    for place, image in enumerate(_several("images", images, (str, bytes))):
        size = getattr(image, "size", None)
        if not callable(getattr(image, "convert", None)) or not isinstance(size, tuple):
            hint = "Open it first: ik.Picture.open(path).image, or PIL.Image.open."
            faults.append(Fault(f"images[{place}]", f"is a {type(image).__name__}, not a PIL image.", hint))
        elif size[0] * size[1] > DEFAULT.max_pixels or not all(size):
            what = f"has {size[0]} × {size[1]} pixels; from 1 to {DEFAULT.max_pixels} can be embedded."
            faults.append(Fault(f"images[{place}]", what, "Make it smaller."))
    if faults:
        raise InvalidInput(faults)
    return images


def rgb_pictures(images: Sequence[Image.Image]) -> list[Image.Image]:
    """Return ``images`` in mode RGB, on white where they are transparent. Raises InvalidInput for half a file."""
    found = []
    for image in images:
        try:
            image.load()  # an RGB picture comes back as it is, and its file would be read by the model's processor
            found.append(flatten(image))
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a broken file that is read late
            name = str(getattr(image, "filename", "") or "a picture").replace("\\", "/").rpartition("/")[2]
            what = f"{name} cannot be decoded: {type(error).__name__}: {error}"
            raise InvalidInput([Fault("images", what, "Replace the file.")]) from error
    return found


def plain_texts(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` cut to 20,000 characters, halves of characters replaced by "?". Raises InvalidInput."""
    faults = [
        Fault(f"texts[{place}]", f"is a {type(text).__name__}, not a text.")
        for place, text in enumerate(_several("texts", texts, (str, bytes)))
        if not isinstance(text, str)
    ]
    if faults:
        raise InvalidInput(faults)
    return [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8") for text in texts]


def _several(where: str, given: Any, one: tuple[type, ...]) -> Sequence[Any]:
    if isinstance(given, one) or not isinstance(given, Sequence):
        raise InvalidInput([Fault(where, f"is a {type(given).__name__}, not a list.", "Give a list, also of one.")])
    return given


def unit(vectors: Any, who: str) -> np.ndarray:
    """Return (n, d) ``vectors`` as float32 of length 1. Raises PluginError where one has no direction."""
    import numpy as np

    found = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0))[:, 0])
    if len(bad):
        raise PluginError(
            f"{who} answered with a vector of no direction (NaN, infinite or all zero) for {len(bad)} of {len(found)} "
            f"inputs, the first of them number {bad[0]}: its weights are broken. Fetch or export the model again."
        )
    return np.ascontiguousarray(found / lengths, dtype=np.float32)
