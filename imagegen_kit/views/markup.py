"""The few pieces of HTML that all views are made of. What comes in as text is escaped here."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, NewType

from imagegen_kit.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Markup = NewType("Markup", str)  # text that is HTML already

# Text has JupyterLab's colour, or the page's own. Lines are translucent or of middling lightness, to show on light and
# on dark ground; JupyterLab drops variables in borders from notebooks that it does not trust.
TEXT = "color:var(--jp-content-font-color1, inherit)"
BORDER = "1px solid rgba(128,128,128,0.4)"
DASHED = "2px dashed #c77700"
ALARM = "3px solid #d84343"
CELL = f"text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-bottom:{BORDER};white-space:normal"
TABLE = f"border-collapse:collapse;table-layout:auto;margin:4px 0;{TEXT}"


def text(value: object) -> Markup:
    """Return ``value`` as text that a browser cannot take for anything else; control characters are written out."""
    return Markup(escape(printable(str(value))))


def lines(*parts: str | None) -> Markup:
    """Return HTML parts below each other; None and empty ones are left out."""
    return Markup("".join(f"<div>{part}</div>" for part in parts if part))


def box(*parts: str | None) -> Markup:
    """Return the frame of a view; what is too wide scrolls inside it."""
    inside = "".join(part for part in parts if part)
    return Markup(f'<div style="overflow-x:auto;{TEXT}">{inside}</div>')


def small(content: str) -> Markup:
    """Return ``content`` in small print."""
    return Markup(f"<small>{content}</small>")


def table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> Markup:
    """Return rows of HTML cells as a table; the first cell of each row names it."""
    head = "".join(f'<th align="left" style="{CELL}">{cell}</th>' for cell in header)
    body = "".join(
        f'<tr><th align="left" valign="top" scope="row" style="{CELL};font-weight:600">{first}</th>'
        + "".join(f'<td align="left" valign="top" style="{CELL}">{cell}</td>' for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return Markup(f'<table style="{TABLE}">{top}<tbody>{body}</tbody></table>')


def image(data: bytes, *, alt: str, width: int, dashed: bool = False, sha256: str = "", small: bool = False) -> Markup:
    """Return a WebP file as a picture inside the page, ``width`` pixels wide; ``dashed`` marks a placeholder.

    With ``sha256`` the panel above it finds the picture there and shows it at once; ``small`` says that it is smaller
    than the thumbnail, and only shown until that has come.
    """
    border = f"border:{DASHED}" if dashed else f"border:{BORDER}"
    source = b64encode(data).decode("ascii")
    style = f"display:block;max-width:none;{border};border-radius:3px;margin:0"
    known = f' data-{"small" if small else "sha"}="{text(sha256)}"' if sha256 else ""
    picture = f'<img src="data:image/webp;base64,{source}" alt="{text(alt)}" width="{width}"{known}'
    return Markup(f'{picture} style="{style}">')


def notice(words: str, width: int) -> Markup:
    """Return a box that stands where a picture would."""
    style = f"width:{max(width - 20, 80)}px;padding:6px 8px;border:{BORDER};border-left:{ALARM};border-radius:3px"
    return Markup(f'<div style="{style};white-space:normal;overflow-wrap:anywhere;font-size:85%">{text(words)}</div>')


def figure(content: str, caption: str, width: int) -> Markup:
    """Return a picture, or its notice, above its caption, next to others where there is room."""
    style = "display:inline-block;vertical-align:top;margin:2px 10px 6px 0;text-align:left"
    under = f"max-width:{max(width, 104)}px;line-height:1.35;overflow-wrap:anywhere;white-space:normal"
    return Markup(
        f'<figure style="{style}">{content}<figcaption style="{under}">{small(caption)}</figcaption></figure>'
    )
