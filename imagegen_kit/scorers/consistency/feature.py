"""By what likeness is measured: the drawn feature, or an embedder that the user names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from imagegen_kit.checks import run_checks
from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

_GLANCE = 96  # pixels at which a picture is looked at for whether it is blank
BEYOND = "Other poses and turns in space are beyond it: a figure that moved may look like another one."


class Feature(Protocol):
    """``label`` says what is compared, ``gallery`` what percentiles are against; ``fingerprint`` names both."""

    label: str
    gallery: str
    fingerprint: str

    def look(self, image: Image.Image) -> Any:
        """Return what is kept of a picture."""
        ...

    def likenesses(self, looks: Sequence[Any]) -> np.ndarray:
        """Return (n, n) float64 from 0 to 1, symmetric, 1 on the diagonal."""
        ...

    def percentile(self, likeness: float) -> float:
        """Return how many of 100 look-alikes are less alike than ``likeness``."""
        ...


def feature_of(asked: Any = "auto") -> Feature:
    """Return the feature that ``asked`` names.

    "drawn" is colours, layout and outlines of the foreground; "auto" is the kit's own choice, "drawn" today, whatever
    models this machine happens to have; all else is an embedder: "clip:folder", or one that is loaded. Raises
    InvalidInput for what names none, and what the embedder raises where it cannot be loaded.
    """
    if asked in ("auto", "drawn"):
        from imagegen_kit.scorers.consistency.drawn import DrawnFeature

        return DrawnFeature()
    if asked is None or asked == "" or isinstance(asked, (bool, int, float, list, dict)):
        hint = 'Write "auto", "drawn", or an embedder such as "clip:some/folder".'
        raise InvalidInput([Fault("feature", f"{asked!r} names no feature.", hint)])
    from imagegen_kit.scorers.consistency.embedded import EmbeddedFeature

    return EmbeddedFeature(asked)


def look_at(image: Image.Image, by: Feature) -> Any | None:
    """Return what ``by`` keeps of ``image``; None where it is blank."""
    from PIL.Image import Resampling

    glance = image.resize((_GLANCE, _GLANCE), Resampling.NEAREST)  # a sample of its pixels says whether all are one
    return by.look(image) if run_checks(glance, ["not_blank"])[0].passed else None
