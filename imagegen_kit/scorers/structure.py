"""SSIM and MS-SSIM of two greys of equal size: they are filtered once for both.

scikit-image has the first alone and takes three times as long for it; the tests compare them, and the second with
torchmetrics, which would bring torch with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SIGMA, RADIUS = 1.5, 5  # pixels of the Gaussian window, 11 × 11 (Wang, Bovik, Sheikh and Simoncelli 2004)
STEADY = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)  # C1 and C2 of the same
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights, the finest first (Wang, Simoncelli and Bovik 2003)
LEAST = 2 * RADIUS + 1  # pixels a side for SSIM
LEAST_OF_ALL = LEAST * 2 ** (len(SCALES) - 1)  # for all scales: 176


def structure(one: np.ndarray, other: np.ndarray) -> tuple[float | None, float | None]:
    """Return the SSIM (-1 to 1) and the MS-SSIM (0 to 1) of two (height, width) arrays of levels from 0 to 255.

    Either is None where the shorter side is below 11 or 176 pixels.
    """
    short = min(one.shape)
    if short < LEAST:
        return None, None
    a, b = one.astype("float32"), other.astype("float32")
    ssim, contrast = _at_one_scale(a, b)
    if short < LEAST_OF_ALL:
        return ssim, None
    first, product = ssim, 1.0
    for weight in SCALES[:-1]:
        product *= max(contrast, 0.0) ** weight
        a, b = _halved(a), _halved(b)
        ssim, contrast = _at_one_scale(a, b)
    return first, min(product * max(ssim, 0.0) ** SCALES[-1], 1.0)


def _at_one_scale(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the means of SSIM and of its part without brightness, over windows that lie within the picture."""
    import numpy as np

    mean_a, mean_b, product, own = _smooth(np.stack([a, b, a * b, a * a + b * b]))
    both, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    contrast = (2 * (product - both) + STEADY[1]) / (own - squares + STEADY[1])
    brightness = (2 * both + STEADY[0]) / (squares + STEADY[0])
    ssim, without = float((brightness * contrast).mean()), float(contrast.mean())
    return max(-1.0, min(ssim, 1.0)), max(-1.0, min(without, 1.0))


def _smooth(planes: np.ndarray) -> np.ndarray:
    """Return (n, height - 10, width - 10) float32: the Gaussian mean around each pixel whose window is within a plane.

    Lines are added up as wholes, in half of the time of ``scipy.ndimage``, which goes along each.
    """
    import numpy as np

    weights = np.exp(-0.5 * (np.arange(RADIUS + 1) / SIGMA) ** 2)
    weights = (weights / (2 * weights.sum() - weights[0])).astype(np.float32)
    for axis in (1, 2):
        lines = planes.swapaxes(0, axis)
        length = len(lines) - 2 * RADIUS
        found = lines[RADIUS : RADIUS + length] * weights[0]
        pair = np.empty_like(found)
        for apart, weight in enumerate(weights[1:], 1):
            one, other = RADIUS - apart, RADIUS + apart
            np.add(lines[one : one + length], lines[other : other + length], out=pair)
            pair *= weight
            found += pair
        planes = found.swapaxes(0, axis)
    return planes


def _halved(a: np.ndarray) -> np.ndarray:
    height, width = a.shape
    even = a[: height // 2 * 2, : width // 2 * 2]
    halved: np.ndarray = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return halved
