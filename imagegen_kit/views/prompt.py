"""A compiled prompt: which words came from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.views.markup import BORDER, Markup, box, table, text

if TYPE_CHECKING:
    from imagegen_kit.prompts.compile import Part, PromptSpec

# Translucent, so that the text keeps the page's colour and its contrast on a light and on a dark ground.
COLOURS = {
    "style": "rgba(66,133,244,0.25)",
    "suffix": "rgba(171,71,188,0.25)",
    "aspect": "rgba(67,160,71,0.25)",
    "variation": "rgba(251,140,0,0.28)",
    "reference": "rgba(0,150,136,0.28)",
}
ABOUT = {
    "brief": "your brief",
    "style": "the style's text",
    "suffix": "the style's suffix",
    "aspect": "the aspect ratio in words",
    "variation": "the chosen variation",
    "reference": "the references",
}


def show_prompt(spec: PromptSpec) -> str:
    """Show the text coloured by origin, and below it each part with its origin in words."""
    style = f"border:{BORDER};border-radius:3px;padding:6px 10px;margin:4px 0"
    whole = "".join(_coloured(part) for part in spec.parts) or text(spec.text)
    rows = [(text(_origin(part, spec.style)), _coloured(part, strip=True)) for part in spec.parts]
    if spec.negative:
        rows.append((text("to avoid (negative)"), text(spec.negative)))
    rows += [(text("note"), text(note)) for note in spec.notes]
    return box(f'<div style="{style}">{whole}</div>', table(rows, ["from", "words"]))


def _origin(part: Part, style: str | None) -> str:
    about = ABOUT.get(part.origin, part.origin)
    return f"{about} ({style})" if style and part.origin in ("style", "suffix") else about


def _coloured(part: Part, *, strip: bool = False) -> Markup:
    words = part.text.strip(" ,") if strip else part.text
    colour = COLOURS.get(part.origin)
    if colour is None:
        return text(words)
    return Markup(f'<span style="background-color:{colour};border-radius:2px">{text(words)}</span>')
