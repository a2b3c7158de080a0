"""How words are put together: pure functions over text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.types import Size

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_RATIOS = {
    "1:1": "square",
    "5:4": "wide format",
    "4:3": "wide format",
    "3:2": "wide format",
    "16:9": "widescreen",
    "21:9": "ultra-widescreen",
    "4:5": "tall format",
    "3:4": "tall format",
    "2:3": "tall format",
    "9:16": "vertical",
    "9:21": "tall vertical",
}


def follow(before: str, words: str) -> str:
    """Return ``words`` with the punctuation that joins them to ``before``, or nothing where there are no words.

    A comma by default; none after a comma, colon or the end of a sentence, where the words then begin with a capital;
    a full stop where the words themselves begin with one.
    """
    words = words.strip().strip(",;").strip()
    if not words or not before:
        return words
    if _SENTENCE_END.search(before):
        return f" {words[0].upper()}{words[1:]}"
    if before[-1] in ",;:–—":
        return f" {words}"
    return f". {words}" if words[0].isupper() else f", {words}"


def aspect_in_words(size: Size) -> str:
    """Return ``"16:9 widescreen"`` for a size of that shape; nothing where the size says no shape."""
    aspect = size.aspect
    if aspect is None:
        return ""
    for ratio, word in _RATIOS.items():
        width, height = ratio.split(":")
        if abs(aspect * int(height) / int(width) - 1) <= 0.02:  # 1920 × 1088 is still 16:9 to a reader
            return f"{ratio} {word}"
    shape = "wide" if aspect > 1 else "tall"
    return f"{size.ratio} {shape} format" if size.ratio else f"{shape} format"


def join_negatives(*lists: str | None) -> str | None:
    """Join comma-separated lists of what to avoid, each phrase once and in order; None where nothing is left."""
    phrases = (p.strip() for words in lists if words for p in words.split(","))
    unique: dict[str, str] = {}
    for phrase in phrases:
        if phrase:
            unique.setdefault(phrase.casefold(), phrase)
    return ", ".join(unique.values()) or None


def named(references: Iterable[tuple[str | None, str | None]], opening: str) -> str:
    """Return ``opening`` followed by ``(name: description; …)`` of the references that have either."""
    listed = "; ".join(": ".join(word.strip(" .") for word in pair if word) for pair in references if any(pair))
    return f"{opening} ({listed})" if listed else opening
