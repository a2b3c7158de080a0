"""The scorers that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import Measure, ScorerSpec, hookimpl


@hookimpl
def imagegen_scorers() -> list[ScorerSpec]:
    """Offer the scorers of the kit; each is loaded when it is first asked for."""
    return [
        ScorerSpec(
            "consistency",
            target="imagegen_kit.scorers.consistency.scorer:ConsistencyScorer",
            scope="set",
            across=("prompt",),
            reads=("references",),
            measures=(
                Measure(unit="%", low=0, high=100, card="More alike than so many of 100 look-alikes."),
                Measure("similarity", low=0, high=1, card="Mean likeness to the set, or to the characters sent."),
                Measure("first", low=0, high=1, card="Likeness to the first picture of the set."),
                Measure("previous", low=0, high=1, card="Likeness to the picture before."),
                Measure("drift", unit="a step", low=-1, high=1, card="Slope of the likeness to the first picture."),
                Measure("worst", low=0, high=1, card="Likeness of the two pictures that are least alike."),
            ),
            card="Does a set of pictures show one figure? By colours, layout and outlines of the foreground, or by an "
            'embedder: {"feature": "clip:folder"}. Other poses and turns in space are beyond it.',
        ),
    ]
