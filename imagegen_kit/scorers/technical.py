"""``technical``: what can be said of a picture's pixels without knowing what it is to show.

All but the JPEG artefacts are measured on a copy whose longer side is at most 256 pixels, so that they hardly depend on
the size in which a model draws: what they tell is how the picture looks at that size. Transparency lies on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagegen_kit.checks import SIDE
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.blocking import blocking
from imagegen_kit.scorers.blur import blur_effect
from imagegen_kit.scorers.borrowed import borrow
from imagegen_kit.scorers.frame import framed

if TYPE_CHECKING:
    import numpy as np

FIELD = 16  # pixels of the copy along the side of a field, of which each is blank or not
VARIES = 8  # levels of 255 between the lightest and the darkest pixel of a field in which there is something
LEAST = 13  # pixels of the copy's shorter side at which edges can be followed: the blur that it is compared with has 11
DARK, LIGHT = 4, 251  # levels from which on nothing is told apart any more


class Technical:
    """Sharpness, exposure, contrast, blankness, border and JPEG artefacts of each picture alone."""

    def __init__(self) -> None:
        borrow("scipy.ndimage", "technical")

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return the six measures of each."""
        return [self._one(subject) for subject in subjects]

    def _one(self, subject: Subject) -> Answer:
        import numpy as np

        small = flatten(shrink(subject.image, SIDE))
        rgb, grey = np.asarray(small), np.asarray(small.convert("L"))
        return {
            "sharpness": _sharpness(grey),
            "exposure": _exposure(grey),
            "contrast": float(grey.std() / 127.5),
            "blankness": _blankness(rgb),
            "border": framed(rgb),
            "jpeg": blocking(subject.image),
        }


def _sharpness(grey: np.ndarray) -> Measurement:
    height, width = grey.shape
    if min(height, width) < LEAST:
        return Measurement(None, f"is too narrow: {width}×{height} pixels of a copy of {SIDE}")
    if int(grey.max()) - int(grey.min()) < VARIES:
        return Measurement(None, "is blank: it has no edges")
    return Measurement(1 - blur_effect(grey))


def _exposure(grey: np.ndarray) -> Measurement:
    clipped = {"black": float((grey <= DARK).mean()), "white": float((grey >= LIGHT).mean())}
    return Measurement(float(grey.mean() / 255), details=clipped)


def _blankness(rgb: np.ndarray) -> float:
    """Return the share of fields of 16 × 16 pixels in which no channel varies by 8 levels."""
    import numpy as np

    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, -height % FIELD), (0, -width % FIELD), (0, 0)), mode="edge")
    strips = padded.reshape(padded.shape[0] // FIELD, FIELD, -1)
    highest, lowest = (
        found.reshape(len(strips), -1, FIELD, 3) for found in (strips.max(axis=1), strips.min(axis=1))
    )  # of columns first, for these lie side by side in memory
    spread = highest.max(axis=2).astype(np.int16) - lowest.min(axis=2)
    return float((spread.max(axis=2) < VARIES).mean())
