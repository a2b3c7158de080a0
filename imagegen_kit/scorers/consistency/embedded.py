"""Likeness by an embedder that the user names: CLIP-I, DINO, or any other of ``retrieval``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.catalog import find_data
from imagegen_kit.retrieval.embedders import load_embedder, mirrored_queries

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder

_EVERY = 2  # of the 89 shipped characters: embedding them is waited for
_NEAREST = 3  # other characters that each one is compared with: its look-alikes


class EmbeddedFeature:
    """Cosines of an embedder's vectors, the better of a picture and its mirror image; below 0 counts as 0.

    Percentiles are against every second shipped character, each with the three others that this embedder finds
    most alike; they are embedded when the first percentile is asked for. Raises what ``load_embedder`` raises.
    """

    gallery = "the shipped characters, each with the three others that look most alike to this feature"

    def __init__(self, name_or_object: str | Embedder) -> None:
        self._embedder = load_embedder(name_or_object)
        self.label = f"cosine of {self._embedder.name} over the whole picture"
        self.fingerprint = f"{self._embedder.name} {self._embedder.fingerprint}"
        self._look_alikes: np.ndarray | None = None

    def look(self, image: Image.Image) -> np.ndarray:
        """Return (m, d): the vectors of ``image`` and its mirror image, or one that serves both."""
        return mirrored_queries(self._embedder, image)

    def likenesses(self, looks: Sequence[Any]) -> np.ndarray:
        """Return (n, n) float64 from 0 to 1, symmetric, 1 on the diagonal."""
        plain = np.stack([look[0] for look in looks]).astype(np.float64)
        ways = [np.stack([look[way] for look in looks]) @ plain.T for way in range(len(looks[0]))]
        best = np.maximum.reduce(ways)
        found = np.clip(np.maximum(best, best.T), 0, 1).round(6)
        np.fill_diagonal(found, 1.0)
        return np.asarray(found)

    def percentile(self, likeness: float) -> float:
        """Return how many of 100 look-alikes are less alike than ``likeness``."""
        if self._look_alikes is None:
            self._look_alikes = np.sort(_nearest(self.likenesses([self.look(image) for image in _characters()])))
        return float(100 * np.searchsorted(self._look_alikes, likeness) / len(self._look_alikes))


def _nearest(likenesses: np.ndarray) -> np.ndarray:
    others = likenesses - 2 * np.eye(len(likenesses))
    return np.asarray(np.sort(others, axis=1)[:, -_NEAREST:].ravel())


def _characters() -> list[Image.Image]:
    import json

    from imagegen_kit.imaging.picture import Picture

    home = find_data("references")
    rows = [json.loads(line) for line in (home / "library.jsonl").read_text(encoding="utf-8").splitlines()]
    characters = [row["path"] for row in rows if row.get("role") == "character"]
    return [Picture.open(home / path).image for path in characters[::_EVERY]]
