"""What the rules take from scikit-image and scipy, which come with the extra ``metrics``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from imagegen_kit.errors import MissingDependency


@dataclass(frozen=True, slots=True)
class Needed:
    """Otsu's threshold, connected parts and middle lines."""

    otsu: Callable[..., Any]
    label: Callable[..., Any]
    skeletonize: Callable[..., Any]


@cache
def needed() -> Needed:
    """Return the functions. Raises MissingDependency with the command that installs them."""
    try:
        from scipy.ndimage import label
        from skimage.filters import threshold_otsu
        from skimage.morphology import skeletonize
    except ImportError as error:
        package = (error.name or "skimage").split(".", maxsplit=1)[0].replace("skimage", "scikit-image")
        raise MissingDependency("The scorer 'sketch'", package, 'pip install "imagegen-kit[metrics]"') from error
    return Needed(threshold_otsu, label, skeletonize)
