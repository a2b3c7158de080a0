"""The feature that needs no download: colours, their layout and outlines of what a picture shows, calibrated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from imagegen_kit.retrieval.embedders.features import colours, layout
from imagegen_kit.retrieval.embedders.foreground import cut_out
from imagegen_kit.retrieval.embedders.offline import shipped_basis
from imagegen_kit.scorers.consistency.backdrop import unlike_backdrop
from imagegen_kit.scorers.consistency.outlines import mirrored, outlines

if TYPE_CHECKING:
    from PIL import Image

NUMBERS = Path(__file__).with_name("drawn.json")
PARTS = ("colours", "layout", "outlines")


class Look(NamedTuple):
    """What is kept of a picture: (288,) colours, (108,) layout and (9, 576) outlines, and whether it was cut out."""

    colours: np.ndarray
    layout: np.ndarray
    outlines: np.ndarray
    cut_out: bool


class Numbers(NamedTuple):
    """The fit of ``benchmarks/consistency_fit.py``.

    A likeness is logistic(``weights`` · the three cosines + ``bias``). ``outlines`` (576,) is the mean of all outlines;
    ``look_alikes`` (201,) are quantiles of the likeness of different figures of one folder.
    """

    weights: np.ndarray
    bias: float
    outlines: np.ndarray
    look_alikes: np.ndarray


@cache
def shipped_numbers() -> tuple[Numbers, str]:
    """Return the numbers in the package and the sha256 of their file."""
    data = NUMBERS.read_bytes()
    stored = json.loads(data)
    found = (np.array(stored[name], dtype=np.float64) for name in ("weights", "outlines", "look_alikes"))
    weights, mean, look_alikes = found
    return Numbers(weights, float(stored["bias"]), mean, look_alikes), hashlib.sha256(data).hexdigest()


class DrawnFeature:
    """Likeness of figures by colours, layout and outlines: the same for mirror images, nearly so for a lean or a cut.

    ``gallery`` says what percentiles are against: different figures of the same folders of a clip-art collection.
    """

    label = "colours, layout and outlines of the foreground (drawn)"
    gallery = "pairs of different figures of one theme, from openclipart"

    def __init__(self, numbers: Numbers | None = None) -> None:
        self._numbers, digest = (numbers, "") if numbers else shipped_numbers()
        self._basis, basis = shipped_basis()
        self.fingerprint = f"drawn {digest[:16]} {basis[:16]}"

    def look(self, image: Image.Image) -> Look:
        """Return what is kept of ``image``, of any mode."""
        shown = cut_out(image, unlike_backdrop)
        return Look(colours(shown), layout(shown), outlines(shown), shown.share < 1)

    def likenesses(self, looks: Sequence[Look]) -> np.ndarray:
        """Return (n, n) float64 from 0 to 1, symmetric, 1 on the diagonal."""
        score = self.parts(looks) @ self._numbers.weights + self._numbers.bias
        found = np.round(1 / (1 + np.exp(-score)), 6)  # equal in whatever company and order pictures come
        np.fill_diagonal(found, 1.0)
        return np.asarray(found)

    def parts(self, looks: Sequence[Look]) -> np.ndarray:
        """Return (n, n, 3): the cosine of each part, the best one of all variations for outlines."""
        hue = _unit(np.stack([look.colours for look in looks]) - self._basis.colours)
        place = _unit(np.stack([look.layout for look in looks]) - self._basis.layout)
        every = np.stack([look.outlines for look in looks])
        mean = self._numbers.outlines.astype(np.float32)
        plain = _unit(every[:, 0] - mean).T
        ways = (way for one in range(every.shape[1]) for way in (every[:, one], mirrored(every[:, one])))
        best = np.full((len(looks), len(looks)), -1.0, dtype=np.float32)
        for way in ways:
            np.maximum(best, _unit(way - mean) @ plain, out=best)
        return np.stack([hue @ hue.T, place @ place.T, np.maximum(best, best.T)], axis=2).astype(np.float64)

    def percentile(self, likeness: float) -> float:
        """Return how many of 100 look-alikes are less alike than ``likeness``."""
        places = np.linspace(0, 100, len(self._numbers.look_alikes))
        return float(np.interp(likeness, self._numbers.look_alikes, places))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
