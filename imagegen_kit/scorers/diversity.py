"""``diversity``: how different the pictures of a set are, as an embedder sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.duplicates import ALONE
from imagegen_kit.scorers.remembered import feature_of, vectors

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Embedder


class Diversity:
    """Measures the distances between the pictures of a set; ``embedder`` is the name of one ("clip:folder")."""

    def __init__(self, embedder: str | Embedder = "offline") -> None:
        from imagegen_kit.retrieval.embedders import load_embedder

        self._embedder = load_embedder(embedder)
        self.feature = feature_of(self._embedder)

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return for each its mean distance to the others, whose mean is that of all pairs, and the set's Vendi."""
        import numpy as np

        n = len(subjects)
        if n < 2:
            return [Measurement(None, ALONE) for _ in subjects]
        cosines = np.clip(_cosines(vectors(subjects, self._embedder)), -1, 1)
        vendi = vendi_score(cosines)
        means = (1 - (cosines.sum(axis=1) - 1) / (n - 1)).tolist()
        details = {"pictures": n, "of_the_set": round(float(np.mean(means)), 4)}
        return [
            {"": Measurement(max(0.0, min(mean, 2.0)), details=details), "vendi": Measurement(vendi, details=details)}
            for mean in means
        ]


def vendi_score(likeness: np.ndarray) -> float:
    """Return the effective number of different things, 1 to n, of a likeness (n, n) with ones along its diagonal.

    It is the exponential of the entropy of the eigenvalues of likeness / n (Friedman and Dieng 2023).
    """
    import numpy as np

    shares = np.linalg.eigvalsh(likeness / len(likeness))
    shares = shares[shares > 1e-12]
    return float(np.clip(np.exp(-(shares * np.log(shares)).sum()), 1, len(likeness)))


def _cosines(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    found = rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(found, 1.0)
    return found
