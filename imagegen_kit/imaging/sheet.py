"""Many pictures on one sheet, with captions: for reports and for looking at a run without a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.imaging.lettering import font, wrap
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.thumbnail import shrink

MAX_PIXELS = 100_000_000
_GAP, _TEXT, _STEP, _TITLE, _LINES = 12, 13, 17, 22, 3


def contact_sheet(
    items: Sequence[tuple[Picture | Image.Image, str]], *, columns: int | None = None, cell: int = 256, title: str = ""
) -> Image.Image:
    """Return one RGB picture with ``items`` (picture, caption) in rows, each at most ``cell`` pixels wide and high.

    ``columns`` is chosen so that the sheet is about square where it is None. A caption takes up to three lines. Raises
    InvalidInput for no items, cells under 16 pixels or a sheet of more than 100 megapixels.
    """
    columns = columns if columns is not None else max(1, ceil(sqrt(len(items))))
    faults = []
    if not items:
        faults.append(Fault("items", "there are no pictures to put on the sheet."))
    if columns < 1:
        faults.append(Fault("columns", f"{columns} is less than one column."))
    if cell < 16:
        faults.append(Fault("cell", f"{cell} pixels are too small to see anything.", "Use at least 16."))
    if faults:
        raise InvalidInput(faults)
    columns = min(columns, len(items))
    captions = [wrap(caption, font(_TEXT), cell, _LINES) for _, caption in items]
    rows = [range(at, min(at + columns, len(items))) for at in range(0, len(items), columns)]
    heights = [cell + _GAP + _STEP * max(len(captions[number]) for number in row) for row in rows]
    width = columns * (cell + _GAP) + _GAP
    heading = wrap(title, font(_TITLE), width - 2 * _GAP, 2)
    top = _GAP + len(heading) * round(_TITLE * 1.3)
    height = top + sum(heights) + _GAP
    if width * height > MAX_PIXELS:
        what = f"the sheet would be {width}×{height} pixels; at most {MAX_PIXELS // 10**6} megapixels are drawn."
        raise InvalidInput([Fault("items", what, "Split the pictures over several sheets, or use smaller cells.")])
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(heading):
        draw.text((_GAP, _GAP // 2 + number * round(_TITLE * 1.3)), line, font=font(_TITLE), fill=(30, 32, 36))
    for row, row_height in zip(rows, heights, strict=True):
        for column, number in enumerate(row):
            picture = items[number][0]
            small = flatten(shrink(picture.image if isinstance(picture, Picture) else picture, cell))
            left = _GAP + column * (cell + _GAP)
            sheet.paste(small, (left + (cell - small.width) // 2, top + cell - small.height))  # captions touch pictures
            for below, text in enumerate(captions[number]):
                draw.text((left, top + cell + 4 + below * _STEP), text, font=font(_TEXT), fill=(70, 74, 80))
        top += row_height
    return sheet
