"""The numbers that the scorer ``sketch`` gives, as its spec tells them; light, so that a listing loads no numpy."""

from __future__ import annotations

from imagegen_kit.hookspecs import Measure

_SHARE = {"unit": "share", "low": 0.0, "high": 1.0}
_FEWER = {**_SHARE, "better": "lower"}
_LEVELS = {"unit": "levels", "low": 0.0, "high": 255.0}

# One a rule, in the order of the report. Lengths are pixels of a copy whose longer side is 512.
RULE_MEASURES = (
    Measure("ink", **{**_SHARE, "better": ""}, card="How much of the picture is drawn."),
    Measure("greyscale", better="lower", **_LEVELS, card="How far channels differ (99.5th percentile)."),
    Measure("paper", **_LEVELS, card="How light the paper is, by the median of the rim."),
    Measure("background", **_FEWER, card="The share of stains around the figure."),
    Measure("rim", **_FEWER, card="The share of the rim that is covered; a few strokes may cross it."),
    Measure("shading", **_FEWER, card="The share of the figure that is grey away from its lines."),
    Measure("solid_ink", **_FEWER, card="The share of ink deeper than 12 pixels: areas that are filled."),
    Measure("texture", better="lower", **_LEVELS, card="How far a pixel differs from those around it, off the ink."),
    Measure("outline_width", better="", unit="pixels", low=0, card="How thick lines are, their median."),
    Measure("thin_lines", **_FEWER, card="The share of lines thinner than 3.5 pixels, such as hatching."),
    Measure("detail", better="lower", unit="ratio", low=0, card="The length of all lines by the figure's area's root."),
    Measure("pieces", better="lower", unit="pieces", low=0, card="Pieces of ink that do not hang together."),
    Measure("photo", better="lower", unit="bits", low=0, high=5, card="How many shades lie beside the ink, as entropy."),
)
MEASURES = (
    Measure("", **_SHARE, card="The share of the rules that passed."),
    Measure("passed", **_SHARE, card="1 where every rule passed, else 0."),
    *RULE_MEASURES,
)
