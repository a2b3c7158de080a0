"""The picture that stands where none came: drawn here, without a network, and never to be taken for a result."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from imagegen_kit.imaging.lettering import font, wrap

_PAPER, _LINE, _INK, _FAINT = (236, 237, 239), (150, 154, 160), (70, 74, 80), (110, 114, 120)


def placeholder(width: int, height: int, *, reason: str, model: str = "", prompt: str = "") -> bytes:
    """Return a PNG of ``width`` × ``height`` pixels that says "placeholder" and why; equal arguments, equal bytes.

    Smaller than about 60 pixels there is no room for words: only the crossed, dashed frame is left.
    """
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    side = min(width, height)
    margin = max(1, side // 32)
    _dashed_frame(draw, width, height, margin, max(1, side // 128))
    if side < 60:
        draw.line((margin, margin, width - 1 - margin, height - 1 - margin), fill=_LINE)
        draw.line((margin, height - 1 - margin, width - 1 - margin, margin), fill=_LINE)
    else:
        _words(draw, (width, height), margin, [reason, model, prompt])
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _dashed_frame(draw: ImageDraw.ImageDraw, width: int, height: int, margin: int, thick: int) -> None:
    dash = max(3, min(width, height) // 24)
    right, bottom = width - 1 - margin, height - 1 - margin
    for x in range(margin, right, 2 * dash):
        for y in (margin, bottom):
            draw.line((x, y, min(x + dash, right), y), fill=_LINE, width=thick)
    for y in range(margin, bottom, 2 * dash):
        for x in (margin, right):
            draw.line((x, y, x, min(y + dash, bottom)), fill=_LINE, width=thick)


def _words(draw: ImageDraw.ImageDraw, size: tuple[int, int], margin: int, texts: list[str]) -> None:
    width, height = size
    room = width - 6 * margin
    title_px = max(8, min(int(room / 6.2), height // 6))  # "placeholder" is about six times as wide as it is high
    text_px = max(8, title_px // 2)
    step = round(text_px * 1.3)
    free = int((height - 6 * margin - title_px * 1.6) // step)  # lines left below the title
    lines: list[tuple[str, tuple[int, int, int]]] = []
    for text, ink, most in zip(texts, (_INK, _FAINT, _FAINT), (4, 1, 3), strict=True):
        if text and len(lines) < free:
            lines += [(line, ink) for line in wrap(text, font(text_px), room, min(most, free - len(lines)))]
    top = (height - title_px * 1.6 - step * len(lines)) / 2
    draw.text((width / 2, top), "placeholder", font=font(title_px), fill=_INK, anchor="ma")
    for number, (line, ink) in enumerate(lines):
        draw.text((width / 2, top + title_px * 1.6 + number * step), line, font=font(text_px), fill=ink, anchor="ma")
