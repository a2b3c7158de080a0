"""Words on pictures that are drawn here: the font, and text broken into lines that fit."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=32)
def font(size: int) -> Font:
    """Return Pillow's own font (Latin letters) at ``size`` pixels; no file of this machine is looked for."""
    return ImageFont.load_default(max(6, size))


_ALSO = "©«°±´·»‘’“”…‹›™"  # what the font has besides ASCII
_INSTEAD = str.maketrans({"×": "x", "–": "-", "—": "-", "−": "-", "→": ">", "≥": ">=", "≤": "<=", "ß": "ss", "ø": "o"})


def legible(text: str) -> str:
    """Return ``text`` in letters that the font has: accents are dropped, each run of other signs becomes one "?"."""
    text = unicodedata.normalize("NFKD", text.translate(_INSTEAD))
    text = "".join(" " if c.isspace() else c for c in text if not unicodedata.combining(c))
    return re.sub(f"[^ -~{_ALSO}]+", "?", text)


def wrap(text: str, face: Font, width: float, max_lines: int) -> list[str]:
    """Break ``text``, made legible, into at most ``max_lines`` lines of ``width`` pixels; "…" ends what is cut off."""
    lines: list[str] = []
    words = legible(text[:2000]).split()
    line = ""
    while words and len(lines) < max_lines:
        longer = f"{line} {words[0]}".strip()
        if face.getlength(longer) <= width:
            line = longer
            words.pop(0)
        elif line:
            lines.append(line)
            line = ""
        else:  # one word wider than the line: break it where it is full
            cut = max(1, sum(face.getlength(words[0][: n + 1]) <= width for n in range(len(words[0]))))
            lines.append(words[0][:cut])
            words[0] = words[0][cut:]
            if not words[0]:
                words.pop(0)
    if line and len(lines) < max_lines:
        lines.append(line)
        line = ""
    if (words or line) and lines:
        last = lines[-1]
        while last and face.getlength(last + "…") > width:
            last = last[:-1]
        lines[-1] = last.rstrip() + "…"
    return lines
