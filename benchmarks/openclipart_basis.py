"""Fit the basis of the offline embedder on the train half of openclipart: ``python -m benchmarks.openclipart_basis``.

Principal directions of the shapes, and means; no words or folders are looked at. Writes
``imagegen_kit/retrieval/embedders/offline_basis.npz``, which changes the embedder's fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.openclipart import drawings, fetch
from imagegen_kit.retrieval.embedders.features import COLOUR_SIZE, LAYOUT_SIZE
from imagegen_kit.retrieval.embedders.offline import BASIS, SHAPES, parts_of

if TYPE_CHECKING:
    from pathlib import Path


def fit(parts: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is shipped, as float16, from (n, 972) parts."""
    hue, place, shape = np.split(parts.astype(np.float64), [COLOUR_SIZE, COLOUR_SIZE + LAYOUT_SIZE], axis=1)
    # The length of the colours is 1 by their making; the mean is of rows of length 1, as the embedder subtracts it.
    centre = shape.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((shape - centre).T))
    kept = np.argsort(-variances)[:SHAPES]
    axes = axes[:, kept]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(SHAPES)])  # the sign of an axis is chance
    found = {
        "colours": hue.mean(axis=0), "layout": place.mean(axis=0), "shapes": centre,
        "directions": axes * variances[kept] ** -0.25,
    }  # fmt: skip
    return {name: value.astype(np.float16) for name, value in found.items()}


def all_parts(share: Path) -> np.ndarray:
    """Return (n, 972) float32 parts of all drawings."""
    rows = []
    for drawing in drawings(share):
        with Image.open(share / "png" / drawing.path) as image:
            rows.append(parts_of(image))
    return np.stack(rows)


if __name__ == "__main__":
    where = fetch()
    halves = np.array([drawing.half for drawing in drawings(where)])
    np.savez_compressed(BASIS, **fit(all_parts(where)[halves == "train"]))  # type: ignore[arg-type]
    print(f"{BASIS}: {BASIS.stat().st_size / 1000:.0f} KB")
