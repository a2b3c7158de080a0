"""The numbers that the scorer ``sketch`` gives, as its spec tells them; light, so that a listing loads no numpy."""

from __future__ import annotations

from imagegen_kit.hookspecs import Measure


def _share(name: str, better: str, card: str) -> Measure:
    return Measure(name, better=better, unit="share", low=0, high=1, card=card)


def _levels(name: str, better: str, card: str) -> Measure:
    return Measure(name, better=better, unit="levels", low=0, high=255, card=card)


# One a rule, in the order of the report. Lengths are pixels of a copy whose longer side is 512.
RULE_MEASURES = (
    _share("ink", "", "How much of the picture is drawn."),
    _levels("greyscale", "lower", "How far channels differ (99.5th percentile)."),
    _levels("paper", "higher", "How light the paper is, by the median of the rim."),
    _share("background", "lower", "The share of stains around the figure."),
    _share("rim", "lower", "The share of the rim that is covered; a few strokes may cross it."),
    _share("shading", "lower", "The share of the figure that is grey away from its lines."),
    _share("solid_ink", "lower", "The share of ink deeper than 12 pixels: areas that are filled."),
    _levels("texture", "lower", "How far a pixel differs from those around it, off the ink."),
    Measure("outline_width", better="", unit="pixels", low=0, card="How thick lines are, their median."),
    _share("thin_lines", "lower", "The share of lines thinner than 3.5 pixels, such as hatching."),
    Measure("detail", better="lower", unit="ratio", low=0, card="The length of all lines by the root of the figure."),
    Measure("pieces", better="lower", unit="pieces", low=0, card="Pieces of ink that do not hang together."),
    Measure("photo", better="lower", unit="bits", low=0, high=5, card="How many shades lie off the ink, as entropy."),
)
MEASURES = (
    _share("", "higher", "The share of the rules that passed."),
    _share("passed", "higher", "1 where every rule passed, else 0."),
    *RULE_MEASURES,
)
