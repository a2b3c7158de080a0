"""The scorers that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import ScorerSpec, hookimpl

CLIP = 'pip install "imagegen-kit[clip]"'


@hookimpl
def imagegen_scorers() -> list[ScorerSpec]:
    """Offer the scorers of the kit; each is loaded when it is first asked for."""
    return [
        ScorerSpec(
            "aesthetic",
            target="imagegen_kit.scorers.aesthetic:Aesthetic",
            unit="points",
            card="A linear head of yours (head=file) over a CLIP model's features. What its points mean is its own.",
            install=CLIP,
        ),
        ScorerSpec(
            "clip_score",
            target="imagegen_kit.scorers.clip_score:ClipScore",
            low=0.0,
            high=100.0,
            reads=("prompt",),
            card="CLIPScore: 100 × the cosine of picture and prompt in a CLIP model, at least 0 (Hessel et al. 2021).",
            install=CLIP,
        ),
        ScorerSpec(
            "identity",
            target="imagegen_kit.scorers.identity:Identity",
            unit="cosine",
            low=-1.0,
            high=1.0,
            reads=("references",),
            card="CLIP-I or DINO: the mean cosine to the references of the role character, or to a set (against=…).",
            install=CLIP,
        ),
        ScorerSpec(
            "preference",
            target="imagegen_kit.scorers.preference:Preference",
            reads=("prompt",),
            card="What a preference model (model=folder) says of picture and prompt: PickScore's kind, or VQAScore.",
            install=CLIP,
        ),
    ]
