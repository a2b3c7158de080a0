"""The rules of a sketch: each one number, its unit and its limits.

The limits were tuned on one half of the drawings of ``benchmarks/sketch.py``; lengths are pixels of a copy of 512.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from imagegen_kit.checks import CHECKS, CheckDefinition, numeric
from imagegen_kit.imaging.masks import Mask, colour_spread
from imagegen_kit.scorers.sketch.measures import RULE_MEASURES
from imagegen_kit.scorers.sketch.page import STAIN, Page

Rule = CheckDefinition[Page]

THIN = 3.5  # pixels
LEAST = 50  # pixels in which a texture can be seen
SHADES = 8  # levels that are one shade


def _share(part: Mask, whole: Mask) -> float:
    """Return how much of ``whole`` is ``part`` too; 0 where there is no whole."""
    return float((part & whole).sum() / max(1, whole.sum()))


def _ink(page: Page) -> float:
    return float(page.ink.mean())


def _colour(page: Page) -> float:
    return colour_spread(page.image)


def _paper(page: Page) -> float:
    return page.paper


def _background(page: Page) -> float:
    return _share(page.stains, page.off_ink & ~page.figure)


def _rim(page: Page) -> float:
    return _share(page.stains, page.rim)


def _shading(page: Page) -> float:
    return _share(page.off_ink & (page.grey < page.paper - STAIN), page.figure)


def _solid_ink(page: Page) -> float:
    return _share(page.filled, page.ink)


def _texture(page: Page) -> float:
    rough = np.abs(page.grey - page.smooth)
    grounds = (rough[page.off_ink & page.figure], rough[page.off_ink & ~page.figure])
    return max((float(np.median(ground)) for ground in grounds if ground.size >= LEAST), default=0.0)


def _outline_width(page: Page) -> float | None:
    return float(np.median(page.widths)) if page.widths.size else None


def _thin_lines(page: Page) -> float | None:
    return float((page.widths < THIN).mean()) if page.widths.size else None


def _detail(page: Page) -> float | None:
    return float(page.middle_lines.sum() / np.sqrt(page.figure.sum())) if page.ink.any() else None


def _pieces(page: Page) -> float:
    return float(page.pieces)


def _photo(page: Page) -> float:
    shades = page.smooth[page.off_ink]
    if not shades.size:
        return 0.0
    share = np.bincount((shades / SHADES).astype(np.int64)) / shades.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0  # not -0.0


def _rule(
    name: str, measure: Callable[[Page], float | None], *, low: float | None = None, high: float | None = None
) -> Rule:
    told = next(m for m in RULE_MEASURES if m.name == name)
    return numeric(name, told.unit, told.card, measure, low=low, high=high)


_RULES = (
    _rule("ink", _ink, low=0.005, high=0.35),
    _rule("greyscale", _colour, high=CHECKS["greyscale"].high),
    _rule("paper", _paper, low=235),
    _rule("background", _background, high=0.02),
    _rule("rim", _rim, high=0.15),
    _rule("shading", _shading, high=0.01),
    _rule("solid_ink", _solid_ink, high=0.03),
    _rule("texture", _texture, high=1.0),
    _rule("outline_width", _outline_width, low=THIN, high=14.5),
    _rule("thin_lines", _thin_lines, high=0.12),
    _rule("detail", _detail, high=22),
    _rule("pieces", _pieces, high=110),
    _rule("photo", _photo, high=1.5),
)
RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
