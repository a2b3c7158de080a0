"""The scorer: whether a picture shows the colours that its prompt names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageColor

from imagegen_kit.scorers import Measurement, Subject
from imagegen_kit_palette.colours import APART, lab, seen_in, words_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.scorers import Answer

LEAST = 0.01  # of a picture: a colour that covers less of it is missing
# What people paint and call by a word lies far from its CSS colour: #c0392b is red to all, and 42 units from #ff0000.
ALSO = {
    "red": ("#c0392b", "#d62828", "#a61c1c"),
    "green": ("#27ae60", "#5aa02c", "#3cb043", "#1e6b34"),
    "blue": ("#2471a3", "#1f6fd0", "#2f5fd0", "#4a90d9"),
    "yellow": ("#f1c40f", "#f7dc3f"),
    "orange": ("#e67e22", "#ff7f0e"),
    "purple": ("#8e44ad", "#6a3d9a"),
    "pink": ("#ff69b4", "#f78fb3"),
    "brown": ("#8b5a2b", "#6b4423"),
    "gold": ("#d4a017", "#c9a227"),
}
ENOUGH = 0.05  # a colour that covers so much is there: a car need not fill the picture


class PaletteScorer:
    """Compares the colours that a prompt names with those of the picture's pixels; it knows no things, only colours.

    Three numbers: how much of what was named is there (the mean over the colours of min(1, share / 0.05)), the share of
    the picture that has one of the colours, and how many colours are missing. A pixel has a colour when it lies within
    25 CIELAB units of it, or of an example in ``ALSO``.
    """

    feature = f"pixels within {APART:g} CIELAB units"

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return one answer a picture; none where the prompt names no colour."""
        return [_compared(subject, words_in(subject.prompt)) for subject in subjects]


def _compared(subject: Subject, named: dict[tuple[int, ...], str]) -> Answer:
    if not named:
        return Measurement(None, "its prompt names no colour")
    seen = seen_in(subject.image)
    apart = np.stack([_apart(seen, rgb, word) for rgb, word in named.items()], axis=1)  # (pixels, colours)
    shares = [float(share) for share in (apart <= APART).mean(axis=0)]
    told: dict[str, Any] = {"shares": dict(zip(named.values(), shares, strict=True))}
    there = float(np.mean([min(1.0, share / ENOUGH) for share in shares]))
    return {
        "": Measurement(there, details=told),
        "share": float((apart.min(axis=1) <= APART).mean()),
        "missing": float(sum(share < LEAST for share in shares)),
    }


def _apart(seen: np.ndarray, rgb: tuple[int, ...], word: str) -> np.ndarray:
    """Return (pixels,) how far each is from the nearest example of a colour."""
    examples = [rgb, *(ImageColor.getrgb(code)[:3] for code in ALSO.get(word, ()))]
    wanted = lab(np.array(examples, dtype=np.float64))
    nearest: np.ndarray = np.linalg.norm(seen[:, None, :] - wanted[None, :, :], axis=-1).min(axis=1)
    return nearest
