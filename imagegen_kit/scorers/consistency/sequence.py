"""What a matrix of likenesses says of a sequence of pictures."""

from __future__ import annotations

import numpy as np


def means_to_others(likenesses: np.ndarray) -> np.ndarray:
    """Return (n,): the mean likeness of each picture to the others. n is at least 2."""
    return np.asarray((likenesses.sum(axis=1) - np.diag(likenesses)) / (len(likenesses) - 1))


def drift(likenesses: np.ndarray) -> float | None:
    """Return the least-squares slope, a step, of the likeness to the first picture, over all but that picture itself.

    None for fewer than three pictures, which have no slope.
    """
    to_first = likenesses[0, 1:]
    if len(to_first) < 2:
        return None
    steps = np.arange(len(to_first)) - (len(to_first) - 1) / 2
    return float(steps @ to_first / (steps @ steps))


def worst_pair(likenesses: np.ndarray) -> tuple[int, int]:
    """Return the places of the two pictures that are least alike, the first such pair. n is at least 2."""
    rows, columns = np.triu_indices(len(likenesses), k=1)
    least = int(likenesses[rows, columns].argmin())
    return int(rows[least]), int(columns[least])
