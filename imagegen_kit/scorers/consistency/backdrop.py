"""What a picture shows before an even background, or one that runs from one colour to another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from imagegen_kit.retrieval.embedders.foreground import CLEAR, NEAR

_FEWEST = 0.6  # share of the border that the background must explain, or else the whole picture is what it shows
_KEPT = 0.6  # share of the border that each fit is made anew on: the rest may be a figure that leaves the picture
_ROUNDS = 8


def unlike_backdrop(look: np.ndarray) -> np.ndarray:
    """Return (height, width) bool: True where ``look`` (height, width, 3 or 4) uint8 is not background.

    Background is whatever has the colour that a plane through the border's colours foretells, also inside a figure, so
    that a gap between arm and body is none of it. Never all False: of a picture that shows nothing it is all True, and
    of one whose border is no plane too.
    """
    everything = np.ones(look.shape[:2], dtype=bool)
    if look.shape[2] == 4:
        visible = look[..., 3] >= CLEAR
        if not visible.all():
            return visible if visible.any() else everything
    rgb = look[..., :3].astype(np.float32)
    places, border = _places(*look.shape[:2])
    plane = _plane(places[border], rgb.reshape(-1, 3)[border])
    if plane is None:
        return everything
    unlike = np.abs(rgb - (places @ plane).reshape(rgb.shape)).max(axis=2) > NEAR
    return unlike if unlike.any() else everything


def _plane(places: np.ndarray, colours: np.ndarray) -> np.ndarray | None:
    """Return the (3, 3) plane that most of the border's colours lie near; None where there is none."""
    near = np.abs(colours - np.median(colours, axis=0)).max(axis=1) <= NEAR
    if near.mean() < _FEWEST:
        near = np.ones(len(colours), dtype=bool)
        for _ in range(_ROUNDS):  # least squares on those that the last fit explained best
            plane = _least_squares(places[near], colours[near])
            apart = np.abs(colours - places @ plane).max(axis=1)
            kept = apart <= max(float(np.quantile(apart, _KEPT)), NEAR / 4)
            if (kept == near).all():
                break
            near = kept
        near = apart <= NEAR
        if near.mean() < _FEWEST:
            return None
    return _least_squares(places[near], colours[near])


def _least_squares(places: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return the (3, 3) plane; the faint ridge decides where all places lie on one line."""
    exact = places.astype(np.float64)
    plane = np.linalg.solve(exact.T @ exact + 1e-6 * np.eye(3), exact.T @ colours)
    return np.asarray(plane, dtype=np.float32)


@lru_cache(maxsize=8)
def _places(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (height · width, 3) float32 rows of 1, x and y, and which of them are the border's."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rows = np.stack([np.ones_like(x), x / width - 0.5, y / height - 0.5], axis=2).reshape(-1, 3)
    border = np.zeros((height, width), dtype=bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    return rows, np.flatnonzero(border)
