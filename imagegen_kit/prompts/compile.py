"""A brief and a style become the prompt that is sent, and it stays known which words came from where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from imagegen_kit.capabilities import Fitted, fit
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown
from imagegen_kit.prompts.variation import chosen_phrases
from imagegen_kit.prompts.words import aspect_in_words, follow, join_negatives, named
from imagegen_kit.types import EMPTY, ImageRequest, Reference, Size, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Origin = Literal["brief", "style", "suffix", "aspect", "variation", "reference"]
SLOT = "{references}"  # a style whose text holds this asks for the references to be named there
SAME = "exact same appearance as the reference pictures"


@dataclass(frozen=True, slots=True)
class Part:
    """Words of a prompt, with the space or comma before them, and their origin."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class PromptSpec(Shown):
    """A compiled prompt. ``parts`` put together are ``text``, byte for byte.

    ``negative`` is what to avoid, or None; ``style`` the style's name, or None; ``checks`` the style's checks with
    their limits; ``notes`` say what a given model takes otherwise (empty where no model was named).
    """

    text: str
    negative: str | None = None
    parts: tuple[Part, ...] = ()
    style: str | None = None
    checks: Mapping[str, Any] = field(default_factory=lambda: EMPTY, hash=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.text)

    def __repr__(self) -> str:
        shown = self.text if len(self.text) <= 70 else self.text[:69] + "…"
        more = [f", style={self.style!r}"] if self.style else []
        if self.negative:
            more.append(f", negative={self.negative if len(self.negative) <= 40 else self.negative[:39] + '…'!r}")
        return f"PromptSpec({str(shown)!r}{''.join(more)})"


def compile_prompt(
    brief: str,
    *,
    style: str | Style | None = None,
    references: Iterable[Any] | Reference | None = None,
    model: str | None = None,
    negative_prompt: str | None = None,
    size: object = None,
    variation: Mapping[str, str] | None = None,
) -> PromptSpec:
    """Return the prompt that ``brief`` becomes under ``style``, with the origin of each part.

    Without a style the text is the brief, byte for byte. With one, the order is: brief, variation (a phrase for some of
    the style's axes), the style's text, the aspect ratio of ``size`` in words where the style names it, and the style's
    suffix. References are named only where the style's text has the slot ``{references}``. ``negative_prompt`` is added
    to the style's own; an empty one turns that off. ``model`` (a name) fills ``notes``.

    Raises InvalidInput for an empty brief, an unreadable size or an unknown axis or phrase, and UnknownName for an
    unknown style or model.
    """
    if not isinstance(brief, str) or not brief or brief.isspace():
        raise InvalidInput([Fault("prompt", f"{brief!r} is no prompt.", "Say in words what the picture shows.")])
    asked = None if size is None else Size.parse(size)
    if style is None and not variation:
        spec = PromptSpec(brief, negative_prompt or None, (Part(brief, "brief"),))
    else:
        spec = _styled(
            brief,
            style=_style(style),
            references=references,
            negative_prompt=negative_prompt,
            size=asked,
            variation=variation or EMPTY,
        )
    return spec if model is None else replace(spec, notes=_notes(spec, model, references, asked))


def _styled(
    brief: str,
    *,
    style: Style | None,
    references: Iterable[Any] | Reference | None,
    negative_prompt: str | None,
    size: Size | None,
    variation: Mapping[str, str],
) -> PromptSpec:
    phrases = chosen_phrases(style, variation)
    assert style is not None  # a variation without a style was refused just now
    before, slot, after = style.text.partition(SLOT)
    # a picture that lends its manner alone must not be said to show how somebody looks
    given = [r for r in _given(references) if r.role != "style"] if slot else []
    pieces: list[tuple[str, Origin]] = [
        *((phrase, "variation") for phrase in phrases),
        (before, "style"),
        (named(((r.name, r.description) for r in given), SAME) if given else "", "reference"),
        (after, "style"),
        (aspect_in_words(size) if style.name_aspect and size else "", "aspect"),
        (style.suffix, "suffix"),
    ]
    text = brief.strip()
    parts = [Part(text, "brief")]
    for words, origin in pieces:
        if joined := follow(text, words):
            parts.append(Part(joined, origin))
            text += joined
    negative = None if negative_prompt == "" else join_negatives(style.negative, negative_prompt)
    return PromptSpec(text, negative, tuple(parts), style.name, style.checks or EMPTY)


def _style(style: object) -> Style | None:
    if style is None or isinstance(style, Style):
        return style
    if not isinstance(style, str):
        raise InvalidInput([Fault("style", f"{style!r} is no style.", "Give a name, a Style, or None.")])
    from imagegen_kit.registry import get_registry

    return get_registry().style(style)


def _given(references: Iterable[Any] | Reference | None) -> tuple[Reference, ...]:
    """Return the references that a prompt can speak of."""
    if references is None or isinstance(references, (str, bytes)):
        return ()
    found = (references,) if isinstance(references, Reference) else references
    return tuple(r for r in found if isinstance(r, Reference) and r.role != "mask")


def _notes(
    spec: PromptSpec, model: str, references: Iterable[Any] | Reference | None, size: Size | None
) -> tuple[str, ...]:
    """Return what ``model`` would take otherwise, found by the same ``fit`` that sends the request."""
    from imagegen_kit.registry import get_registry

    found = get_registry().model(model, today=date.today())
    if found.spec.kind != "image":
        return (f"{found.id} makes {found.spec.kind}, not pictures",)
    request = ImageRequest(
        prompt=spec.text,
        model=found.id,
        negative_prompt=spec.negative,
        references=_given(references),
        size=size,
    )
    fitted = fit(request, found.spec.can)
    differences = (*found.adaptations, *(fitted.adaptations if isinstance(fitted, Fitted) else fitted))
    return tuple(f"{found.id}: {difference}" for difference in differences)
