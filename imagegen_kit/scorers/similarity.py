"""``similarity``: how much a picture looks like its reference, as a whole and pixel by pixel.

The nameless measure is the cosine of what an embedder sees in both; ``ssim``, ``ms_ssim`` and ``psnr`` compare copies
of one size, whose shorter side is at most 256 pixels, as the authors of SSIM advise: they only mean something where the
picture is to keep the composition of its reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.scorers.base import Answer, Measurement, Subject
from imagegen_kit.scorers.borrowed import borrow
from imagegen_kit.scorers.remembered import feature_of, vector
from imagegen_kit.scorers.structure import LEAST, LEAST_OF_ALL, structure
from imagegen_kit.scorers.targets import Target, targets
from imagegen_kit.types import Reference
from imagegen_kit.types.common import ROLES

if TYPE_CHECKING:
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder

SHORT, LONG = 256, 1024  # pixels that the sides of the compared copies have at most
SAME_SHAPE = 0.02  # by which the ratio of sides may differ before something is cut off: models round their sides
EQUAL = 100.0  # dB that equal pictures are told to have, where the formula says infinitely many


class Similarity:
    """Compares each picture of a set with a reference.

    ``to``: "references" (its own; where it has none, those that others of its set were given), "set" (those of the
    set, for all), or a picture (a path, a ``Picture``, a ``Reference`` such as ``lib.get(name)``) for all. ``role``
    takes only references of that role. ``index`` is which of them: 0 the first, or "best", the most similar one.
    ``embedder`` is the name of one ("clip:folder"). Raises InvalidInput for what is none of these.
    """

    def __init__(
        self,
        to: Any = "references",
        role: str | None = None,
        index: int | str = 0,
        embedder: str | Embedder = "offline",
    ) -> None:
        from imagegen_kit.retrieval.embedders import load_embedder

        faults = []
        if role is not None and role not in ROLES:
            faults.append(Fault("role", f"{role!r} is not a role.", f"Use {', '.join(ROLES)}."))
        if index != "best" and (isinstance(index, bool) or not isinstance(index, int) or index < 0):
            faults.append(Fault("index", f"{index!r} is neither a place (0 is the first) nor 'best'."))
        self._fixed: Target | None = None
        if not (isinstance(to, str) and to in ("references", "set")):
            try:
                self._fixed = Target(to if isinstance(to, Reference) else Reference(open_picture(to)), own=False)
            except InvalidInput as error:
                hint = 'Write "references", "set", or give a picture.'
                faults += [Fault("to", fault.what, hint) for fault in error.faults]
        if faults:
            raise InvalidInput(faults)
        self._shared, self._role, self._index = to == "set", role, index
        self._psnr = borrow("skimage.metrics", "similarity").peak_signal_noise_ratio
        self._embedder = load_embedder(embedder)
        self.feature = feature_of(self._embedder)
        if self._fixed is not None:
            self.feature += f" to {self._fixed.reference.picture.sha256[:12]}"

    def score(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Return the four measures of each picture of a set; the details say with what it was compared, and how."""
        opened: dict[str, Subject] = {}  # references, each decoded once
        if self._fixed is not None:
            return [self._compared(subject, [self._fixed], opened) for subject in subjects]
        found = targets(subjects, role=self._role, shared=self._shared)
        return [self._compared(s, self._chosen(t), opened) for s, t in zip(subjects, found, strict=True)]

    def _chosen(self, found: list[Target]) -> list[Target] | Measurement:
        of_role = f" for {self._role}" if self._role else ""
        if not found:
            return Measurement(None, f"has no reference{of_role}, nor has any picture of its set")
        if isinstance(self._index, str):
            return found
        if self._index >= len(found):
            return Measurement(None, f"has only {len(found)} reference(s){of_role}")
        return found[self._index : self._index + 1]

    def _compared(self, subject: Subject, chosen: list[Target] | Measurement, opened: dict[str, Subject]) -> Answer:
        if isinstance(chosen, Measurement):
            return chosen
        image = subject.image
        own = vector(subject, self._embedder, image)
        for picture in (target.reference.picture for target in chosen):
            if picture.sha256 not in opened:
                opened[picture.sha256] = Subject(open_picture(picture))
        others = [opened[target.reference.picture.sha256] for target in chosen]
        cosines = [max(-1.0, min(float(own @ vector(other, self._embedder)), 1.0)) for other in others]
        best = max(range(len(chosen)), key=cosines.__getitem__)
        reference = chosen[best].reference
        details = {"reference": reference.name or reference.origin or reference.picture.sha256[:12],
                   "role": reference.role, "own": chosen[best].own}  # fmt: skip
        if len(chosen) > 1:
            details["cosines"] = [round(c, 4) for c in cosines]
        return {"": Measurement(cosines[best], details=details), **self._by_pixels(image, others[best].image)}

    def _by_pixels(self, image: Image.Image, reference: Image.Image) -> dict[str, Measurement]:
        import numpy as np

        one, other, how = aligned(image, reference)
        size = f"{one.width}×{one.height}"
        ssim, ms_ssim = structure(np.asarray(one.convert("L")), np.asarray(other.convert("L")))
        a, b = np.asarray(one), np.asarray(other)
        psnr = EQUAL if (a == b).all() else min(float(self._psnr(a, b, data_range=255)), EQUAL)
        details = {"size": size, "aligned": how}
        return {
            "ssim": Measurement(ssim, "" if ssim is not None else _narrow(size, LEAST), details=details),
            "ms_ssim": Measurement(
                ms_ssim, "" if ms_ssim is not None else _narrow(size, LEAST_OF_ALL), details=details
            ),
            "psnr": Measurement(max(psnr, 0.0), details=details),
        }


def aligned(image: Image.Image, reference: Image.Image) -> tuple[Image.Image, Image.Image, str]:
    """Return RGB copies of one size, and in words what was done to the reference: scaled, and cut off around its middle
    where its sides have another ratio.
    """
    from PIL.Image import Resampling

    one, other = flatten(image), flatten(reference)
    scale = min(1.0, SHORT / min(one.size), LONG / max(one.size))
    size = max(1, round(one.width * scale)), max(1, round(one.height * scale))
    ratio, own = one.width / one.height, other.width / other.height
    width, height, how = float(other.width), float(other.height), "scaled"
    if abs(math.log(ratio / own)) > SAME_SHAPE:
        width, height = min(width, height * ratio), min(height, width / ratio)
        lost = 1 - width * height / (other.width * other.height)
        how = f"scaled, {lost:.0%} of the reference cut off at its {'sides' if own > ratio else 'top and bottom'}"
    left, top = (other.width - width) / 2, (other.height - height) / 2
    box = (left, top, left + width, top + height)
    scaled = other.resize(size, Resampling.LANCZOS, box=box, reducing_gap=1.0)
    return one.resize(size, Resampling.LANCZOS, reducing_gap=1.0), scaled, how


def _narrow(size: str, least: int) -> str:
    return f"is too narrow: {size} pixels, and the shorter side must have {least}"
