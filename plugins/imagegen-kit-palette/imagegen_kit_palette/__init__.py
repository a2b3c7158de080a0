"""References found by their colours, and pictures scored by them; every session imports this, so it only describes."""

from __future__ import annotations

from imagegen_kit.providers import RetrieverSpec
from imagegen_kit.scorers import Measure, ScorerSpec, hookimpl


@hookimpl
def imagegen_retrievers() -> list[RetrieverSpec]:
    """Offer one retriever."""
    return [
        RetrieverSpec(
            "palette",
            target="imagegen_kit_palette.retriever:PaletteRetriever",
            card="Finds references by colour: words like navy, codes like #e63946, or the colours of a picture.",
        )
    ]


@hookimpl
def imagegen_scorers() -> list[ScorerSpec]:
    """Offer one scorer, of three numbers."""
    return [
        ScorerSpec(
            "palette",
            target="imagegen_kit_palette.scorer:PaletteScorer",
            measures=(
                Measure(low=0.0, high=1.0, card="How much of the colours that the prompt names is there."),
                Measure("share", unit="of the picture", low=0.0, high=1.0, better="", card="What they cover together."),
                Measure(
                    "missing", unit="colours", low=0.0, better="lower", card="How many of them cover nearly nothing."
                ),
            ),
            reads=("prompt",),
            card="Whether a picture shows the colours that its prompt names: red, light green, #e63946.",
        )
    ]
