"""Presence: is a character that was sent somewhere in the picture, whatever stands behind it?

The character's cut-out is laid over the picture at every place, in several sizes and mirrored; the best fit is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from imagegen_kit.errors import CorruptArtifact, InvalidInput, StoreError
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.retrieval.embedders.foreground import eight_bits
from imagegen_kit.scorers.base import Measurement
from imagegen_kit.scorers.consistency.backdrop import unlike_backdrop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.scorers.base import Answer, Subject

SIDE = 128  # pixels of the picture's longer side, where it is searched
HEIGHTS = np.geomspace(20, 112, 13)  # pixels in which the figure is looked for
LEAST = 12  # pixels: a narrower figure is no figure, nor is one of fewer
SURE = 0.7  # share of a pixel that the figure must cover to count
BEYOND = "Other poses and turns in space are beyond it: it looks for the same view, larger, smaller or mirrored."


class Presence:
    """Scores each picture by its characters: the best fit of each, and the least of those.

    ``characters`` are pictures by name (one or several of each); None: those that were sent with the picture. A fit is
    the masked, normalised cross-correlation of colours: 1 is the same figure, 0 and below nothing like it. Raises
    InvalidInput for what is no picture.
    """

    feature = "cross-correlation of the cut-out with the picture"

    def __init__(self, characters: Mapping[str, Any] | None = None) -> None:
        self._given = None if characters is None else {str(name): _opened(one) for name, one in characters.items()}

    def score(self, subjects: Sequence[Subject]) -> Sequence[Answer]:
        """Return the fit of each picture from 0 to 1; None, with the reason, where no character was sent with it."""
        return [self._one(subject) for subject in subjects]

    def _one(self, subject: Subject) -> Measurement:
        characters = _sent(subject) if self._given is None else self._given
        if not characters:
            return Measurement(None, "no character reference was sent with it")
        try:
            scene = _small(subject.rgb)
            fits = {
                name: round(max(best_fit(scene, picture.image)[0] for picture in pictures), 4)
                for name, pictures in characters.items()
            }
        except (CorruptArtifact, StoreError, InvalidInput) as error:
            return Measurement(None, f"cannot be read: {error.message}"[:300])
        return Measurement(max(0.0, min(fits.values())), details={"characters": fits, "beyond": BEYOND})


def _sent(subject: Subject) -> dict[str, list[Picture]]:
    found: dict[str, list[Picture]] = {}
    for reference in subject.references:
        if reference.role == "character":
            name = reference.name or reference.picture.sha256[:12]
            found.setdefault(name, []).append(open_picture(reference.picture))
    return found


def _opened(given: Any) -> list[Picture]:
    return [open_picture(one, where="characters") for one in (given if isinstance(given, (list, tuple)) else [given])]


def best_fit(scene: np.ndarray, figure: Image.Image) -> tuple[float, int]:
    """Return the highest correlation of ``figure`` with any part of ``scene`` (height, width, 3), and its height."""
    colours, outline = _cut_out(figure)
    aspect = outline.width / outline.height
    best, at = -1.0, 0
    high, wide = scene.shape[:2]
    spectrum = _spectra(scene)
    for height in (round(h) for h in HEIGHTS):
        width = round(height * aspect)
        if not (LEAST <= width <= wide and height <= high):
            continue
        size = (width, height)
        mask = np.asarray(outline.resize(size, Image.Resampling.BOX), dtype=np.float64) / 255
        whole = np.asarray(colours.resize(size, Image.Resampling.BOX), dtype=np.float64)
        small = whole / np.maximum(mask, 1 / 255)[..., None]
        mask = np.where(mask > SURE, mask, 0.0)  # its rim is half background
        if mask.sum() < LEAST:
            continue
        for turned in (slice(None), slice(None, None, -1)):
            fit = float(_correlation(spectrum, scene.shape[:2], small[:, turned], mask[:, turned]).max())
            if fit > best:
                best, at = fit, height
    return best, at


def _cut_out(figure: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Return the colours of a figure, black where it is not, and its outline in shades, both cropped to it."""
    image = eight_bits(figure).copy()
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    look = np.asarray(image)
    mask = unlike_backdrop(look).astype(np.float64)
    if look.shape[2] == 4 and not mask.all():
        mask *= look[..., 3] / 255
    colours = Image.fromarray((look[..., :3] * mask[..., None]).astype(np.uint8))
    outline = Image.fromarray((mask * 255).astype(np.uint8))
    box = outline.point(lambda shade: 255 * (shade > 127)).getbbox() or (0, 0, *outline.size)
    return colours.crop(box), outline.crop(box)


def _small(rgb: np.ndarray) -> np.ndarray:
    image = Image.fromarray(np.asarray(rgb))
    scale = SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BOX), dtype=np.float64)


def _spectra(scene: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spectra of each channel, (height, width, 3), and of the sum of their squares, (height, width)."""
    return np.fft.rfft2(scene, axes=(0, 1)), np.fft.rfft2((scene**2).sum(axis=2))


def _correlation(
    spectra: tuple[np.ndarray, np.ndarray], shape: tuple[int, int], figure: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Return, for each place where ``figure`` lies wholly inside, the correlation of its colours under ``mask``."""
    channels, squares = spectra
    weight = mask.sum()
    mean = (figure * mask[..., None]).sum(axis=(0, 1)) / weight
    centred = (figure - mean) * mask[..., None]
    power = (centred * (figure - mean)).sum()

    turned = np.conj(np.fft.rfft2(centred, shape, axes=(0, 1)))
    outline = np.conj(np.fft.rfft2(mask, shape))
    common = np.fft.irfft2((channels * turned).sum(axis=2), shape)
    sums = np.fft.irfft2(channels * outline[..., None], shape, axes=(0, 1))
    spread = np.fft.irfft2(squares * outline, shape) - (sums**2).sum(axis=2) / weight
    inside = (slice(shape[0] - figure.shape[0] + 1), slice(shape[1] - figure.shape[1] + 1))
    return np.asarray(common[inside] / np.sqrt(np.maximum(spread[inside], 1.0) * max(power, 1.0)))
