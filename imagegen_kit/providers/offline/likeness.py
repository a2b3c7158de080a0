"""The sentence in which a style names the references: it says how they look, and nothing more is to be drawn of it."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"exact same appearance as the reference pictures\b\s*", re.I)  # as ``prompts.compile`` opens it


def without_likeness(prompt: str) -> str:
    """Return ``prompt`` without "exact same appearance as the reference pictures (…)", brackets within it included."""
    kept, rest = [], prompt
    while match := _SENTENCE.search(rest):
        kept.append(rest[: match.start()])
        rest = rest[match.end() :]
        if rest.startswith("("):
            rest = rest[_closing(rest) :]
    return "".join([*kept, rest])


def _closing(text: str) -> int:
    """Return where the bracket that ``text`` opens with is over; its end where it never closes."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return place + 1
    return len(text)
