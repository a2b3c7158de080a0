"""SSIM as scikit-image has it, MS-SSIM as torchmetrics has it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.scorers.structure import LEAST_OF_ALL, structure
from tests.scorers import pictures as p

SPOILT = {"blurred": p.blurred(p.landscape(1, 256), 2), "noisy": p.noisy(p.landscape(1, 256), 25),
          "another": p.landscape(2, 256), "darker": p.brighter(p.landscape(1, 256), 0.5)}  # fmt: skip


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


@pytest.mark.parametrize("how", SPOILT)
def test_ssim_is_that_of_scikit_image(how: str) -> None:
    from skimage.metrics import structural_similarity

    one, other = grey(p.landscape(1, 256)), grey(SPOILT[how])
    theirs = structural_similarity(
        one, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert structure(one, other)[0] == pytest.approx(theirs, abs=1e-5)


def test_ms_ssim_is_that_of_torchmetrics() -> None:
    """The numbers are those of torchmetrics 1.9.0 (normalize="relu"), which pads where we cut: some 0.0003."""
    rows, columns = np.indices((256, 300))
    one = ((rows * 7 + columns * 3) // 40 % 2 * 120 + (rows + columns) // 6).clip(0, 255).astype(np.uint8)
    grainy = (one + np.random.default_rng(3).normal(0, 25, one.shape)).clip(0, 255).astype(np.uint8)
    blurred = grey(p.blurred(Image.fromarray(one), 2))
    assert structure(one, grainy)[1] == pytest.approx(0.97944, abs=1e-3)
    assert structure(one, blurred)[1] == pytest.approx(0.79133, abs=1e-3)


def test_equal_pictures_have_one_and_opposite_ones_less_than_zero() -> None:
    one = np.random.default_rng(1).integers(0, 256, (200, 200), dtype=np.uint8)
    assert structure(one, one) == (pytest.approx(1), pytest.approx(1))
    ssim, ms_ssim = structure(one, 255 - one)
    assert ssim is not None
    assert ssim < 0
    assert ms_ssim == 0


def test_narrow_pictures_have_none() -> None:
    one = grey(p.landscape(1, 256))
    assert structure(one[:10], one[:10]) == (None, None)
    assert structure(one[: LEAST_OF_ALL - 1], one[: LEAST_OF_ALL - 1])[1] is None
