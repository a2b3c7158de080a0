"""The scorer: whether a picture shows the colours that its prompt names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.scorers import Measurement, Subject
from imagegen_kit_palette.colours import APART, lab, seen_in, words_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.scorers import Answer

LEAST = 0.01  # of a picture: a colour that covers less of it is missing
ENOUGH = 0.05  # a colour that covers so much is there: a car need not fill the picture


class PaletteScorer:
    """Compares the colours that a prompt names with those of the picture's pixels; it knows no things, only colours.

    Three numbers: how much of what was named is there (the mean over the colours of min(1, share / 0.05)), the share of
    the picture that has one of the colours, and how many colours are missing. A pixel has a colour when it lies within
    25 CIELAB units of it.
    """

    feature = f"pixels within {APART:g} CIELAB units"

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return one answer a picture; none where the prompt names no colour."""
        return [_compared(subject, words_in(subject.prompt)) for subject in subjects]


def _compared(subject: Subject, named: dict[tuple[int, ...], str]) -> Answer:
    if not named:
        return Measurement(None, "its prompt names no colour")
    wanted = lab(np.array(list(named), dtype=np.float64))
    apart = np.linalg.norm(seen_in(subject.image)[:, None, :] - wanted[None, :, :], axis=-1)  # (pixels, colours)
    shares = [float(share) for share in (apart <= APART).mean(axis=0)]
    told: dict[str, Any] = {"shares": dict(zip(named.values(), shares, strict=True))}
    there = float(np.mean([min(1.0, share / ENOUGH) for share in shares]))
    return {
        "": Measurement(there, details=told),
        "share": float((apart.min(axis=1) <= APART).mean()),
        "missing": float(sum(share < LEAST for share in shares)),
    }
