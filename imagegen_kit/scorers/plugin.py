"""The scorers that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import Measure, ScorerSpec, hookimpl
from imagegen_kit.scorers.sketch.measures import MEASURES as SKETCH_MEASURES

METRICS = 'pip install "imagegen-kit[metrics]"'
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
            "coherence",
            target="imagegen_kit.scorers.coherence:Coherence",
            scope="set",
            across=("prompt",),
            unit="share",
            low=0.0,
            high=1.0,
            card="How alike light and palette are to those of the picture before, in a sequence.",
        ),
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
        ScorerSpec(
            "diversity",
            target="imagegen_kit.scorers.diversity:Diversity",
            scope="set",
            measures=(
                Measure("", unit="cosine distance", low=0, high=2, card="Mean distance to the others of the set."),
                Measure("vendi", unit="pictures", low=1, card="How many different pictures the set amounts to."),
            ),
            card="How different the pictures of a set look.",
        ),
        ScorerSpec(
            "duplicates",
            target="imagegen_kit.scorers.duplicates:Duplicates",
            scope="set",
            measures=(
                Measure("", better="lower", unit="pictures", low=0, card="Near-duplicates of it among the others."),
                Measure("distance", unit="bits", low=0, high=64, card="Perceptual hash to the nearest other picture."),
            ),
            card="The same picture more than once in a set, but for size, format and quality.",
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
            "legibility",
            target="imagegen_kit.scorers.legibility:Legibility",
            reads=("prompt",),
            measures=(
                Measure("", unit="share", low=0, high=1, card="Words that the prompt has in quotes and that are read."),
                Measure("confidence", unit="%", low=0, high=100, card="How sure tesseract is of these words."),
            ),
            card="Text in the picture, read by the program tesseract where it is installed.",
        ),
        ScorerSpec(
            "preference",
            target="imagegen_kit.scorers.preference:Preference",
            reads=("prompt",),
            card="What a preference model (model=folder) says of picture and prompt: PickScore's kind, or VQAScore.",
            install=CLIP,
        ),
        ScorerSpec(
            "presence",
            target="imagegen_kit.scorers.presence:Presence",
            low=0.0,
            high=1.0,
            unit="correlation",
            reads=("references",),
            card="Are the characters that were sent in the picture, whatever stands behind them? The best fit of each "
            'cut-out anywhere in it. Others than those sent: {"characters": {"ann": picture}}.',
        ),
        ScorerSpec(
            "similarity",
            target="imagegen_kit.scorers.similarity:Similarity",
            scope="set",
            across=("top_k", "model"),
            reads=("references",),
            measures=(
                Measure(
                    "", unit="cosine", low=-1, high=1, card="Colours, layout and shapes, or what an embedder sees."
                ),
                Measure("ssim", unit="", low=-1, high=1, card="Structural similarity of greys of 256 pixels."),
                Measure("ms_ssim", unit="", low=0, high=1, card="The same at five scales."),
                Measure("psnr", unit="dB", low=0, high=100, card="Peak signal to noise; 100 where they are equal."),
            ),
            card="A picture beside its reference; without one, beside those that others of its set were given.",
            install=METRICS,
        ),
        ScorerSpec(
            "sketch",
            version="2",
            target="imagegen_kit.scorers.sketch.scorer:SketchScorer",
            measures=SKETCH_MEASURES,
            card="Whether a picture is a concept sketch: thick grey outlines, little detail, clean paper.",
            install=METRICS,
        ),
        ScorerSpec(
            "technical",
            target="imagegen_kit.scorers.technical:Technical",
            measures=(
                Measure("sharpness", unit="share", low=0, high=1, card="Fineness that a blur would take away."),
                Measure("exposure", better="", unit="share", low=0, high=1, card="Mean brightness: black 0, white 1."),
                Measure(
                    "contrast", better="", unit="share", low=0, high=1, card="Spread of brightness; half and half 1."
                ),
                Measure(
                    "blankness", better="", unit="share", low=0, high=1, card="Area without anything; all of it 1."
                ),
                Measure("border", better="lower", unit="share", low=0, high=1, card="Area of a frame or letterbox."),
                Measure(
                    "jpeg", better="lower", unit="levels", low=0, high=32, card="Steps along the blocks of a JPEG."
                ),
            ),
            card="Sharpness, exposure, contrast, blankness, border and JPEG artefacts.",
            install=METRICS,
        ),
    ]
