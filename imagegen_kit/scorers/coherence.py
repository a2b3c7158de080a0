"""Scene coherence: whether light and palette stay from one picture of a sequence to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imagegen_kit.errors import CorruptArtifact, InvalidInput, StoreError
from imagegen_kit.scorers.base import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.scorers.base import Answer, Subject

SIDE = 96  # pixels of the copy that is measured
BINS = (12, 12, 12)  # of brightness and of the two differences of colour
FIRST = "is the first of its set"


class Coherence:
    """Scores a sequence: how alike each picture's light and palette are to those of the picture before.

    Colours in YCbCr are counted into 12 x 12 x 12 bins that run into each other; likeness is what two such histograms
    have in common, from 0 to 1. Where things stand, and what they are, does not count.
    """

    feature = "histograms of colour (YCbCr, 12 bins a side)"

    def score(self, subjects: Sequence[Subject]) -> Sequence[Answer]:
        """Return the likeness of each picture to the last one before it that could be read; None for the first."""
        found: list[Answer] = []
        before: np.ndarray | None = None
        for subject in subjects:
            try:
                here = palette(subject.rgb)
            except (CorruptArtifact, StoreError, InvalidInput) as error:
                found.append(Measurement(None, f"cannot be read: {error.message}"[:300]))
                continue
            found.append(Measurement(None, FIRST) if before is None else round(alike(here, before), 6))
            before = here
        return found


def palette(rgb: np.ndarray) -> np.ndarray:
    """Return (12, 12, 12) float64 that sum to 1: how much of the picture (height, width, 3) uint8 has each colour."""
    small = Image.fromarray(np.asarray(rgb)).resize((SIDE, SIDE), Image.Resampling.BOX).convert("YCbCr")
    colours = np.asarray(small, dtype=np.float64).reshape(-1, 3)
    counted, _ = np.histogramdd(colours, bins=BINS, range=[(0, 256)] * 3)
    for axis in range(3):  # a colour near the edge of a bin belongs to both
        padded = np.pad(counted, [(1, 1) if a == axis else (0, 0) for a in range(3)])
        before, here, after = (np.take(padded, range(k, k + BINS[axis]), axis=axis) for k in range(3))
        counted = 0.25 * before + 0.5 * here + 0.25 * after
    return np.asarray(counted / counted.sum())


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return what two histograms have in common, from 0 to 1."""
    return float(np.minimum(one, other).sum())
