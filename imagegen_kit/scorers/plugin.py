"""The scorers that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import ScorerSpec, hookimpl
from imagegen_kit.scorers.sketch.measures import MEASURES as SKETCH_MEASURES


@hookimpl
def imagegen_scorers() -> list[ScorerSpec]:
    """Offer the scorers of the kit; each is loaded when it is first asked for."""
    return [
        ScorerSpec(
            "sketch",
            target="imagegen_kit.scorers.sketch.scorer:SketchScorer",
            measures=SKETCH_MEASURES,
            card="Whether a picture is a concept sketch: thick grey outlines, little detail, clean paper.",
            install='pip install "imagegen-kit[metrics]"',
        ),
    ]
