"""Where a sketch's subject stands and how far it is exaggerated, as the phrases of a style's axes say it."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]

# What a phrase does to the subject: (scale, width, height, shift to the right in shares of the sheet).
_SAID = {
    "large in the foreground": (1.45, 1.0, 1.0, 0.06),
    "much empty space": (0.5, 1.0, 1.0, -0.16),
    "three-quarter view": (1.0, 0.86, 1.0, 0.1),
    "in profile, facing the open side": (0.9, 1.0, 1.0, -0.14),
    "slightly stretched": (1.0, 0.9, 1.14, 0.0),
    "strongly simplified": (1.0, 1.18, 0.88, 0.0),
    "extreme proportions": (1.0, 1.35, 0.72, 0.0),
}


def framed(prompt: str, boxes: Sequence[Box], width: int, height: int) -> list[Box]:
    """Return the boxes (left, top, width, height) of what is drawn, moved and stretched as the prompt asks."""
    said = [change for phrase, change in _SAID.items() if phrase in prompt.lower()]
    if not said or not boxes:
        return list(boxes)
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    x, y = (left + right) / 2, (top + bottom) / 2
    wide = tall = 1.0
    aside = 0.0
    for scale, across, upward, shift in said:
        wide, tall, aside = wide * scale * across, tall * scale * upward, aside + shift
    to = width / 2 + aside * width, height / 2
    return [(to[0] + (bx - x) * wide, to[1] + (by - y) * tall, w * wide, h * tall) for bx, by, w, h in boxes]
