"""The gallery without kernel or scripts: how many pictures of which model, and the first of them on a contact sheet."""

from __future__ import annotations

import io
from collections import defaultdict
from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError
from imagegen_kit.imaging.decode import open_sound, peek
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.panels.gallery.tiles import facts_of, path_of, tile
from imagegen_kit.views.markup import CELL, TABLE, Markup, box, image, lines, notice, small, table, text
from imagegen_kit.views.pictures import THUMBNAIL_PX, small_copy
from imagegen_kit.views.words import STAND_IN, count, is_stand_in, shortened, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.tables.pictures import Listed
    from imagegen_kit.tables.shelf import Shelf

PX = 128
QUALITY = 65
LIGHT = 9000  # bytes of a thumbnail that is shown as it lies: to make a smaller one takes 4 ms, 36 of them 0.15 s
ACROSS = 6
LINE = 60  # characters of the prompt under a picture
MODELS = 20  # lines of the counts


def contact_table(head: Markup, shelf: Shelf, places: Sequence[int], pictures: int, light: int = LIGHT) -> Markup:
    """Return ``head``, the first so many ``pictures`` of ``places``, 128 pixels large, and the counts of each model.

    Thumbnails of at most ``light`` bytes stand there as they are, for the live panel to take them from the page.
    """
    items = [shelf.items[place] for place in places]
    shown = [_cell(shelf, item, light) for item in items[:pictures]]
    body = "".join(f"<tr>{''.join(shown[i : i + ACROSS])}</tr>" for i in range(0, len(shown), ACROSS))
    sheet = f'<table style="{TABLE}"><tbody>{body}</tbody></table>' if shown else ""
    left = len(items) - len(shown)
    more = f"… and {left:,} more; .table() has them all" if left else ""
    return box(head, sheet, lines(text(more)), _counts(items))


def _counts(items: Sequence[Listed]) -> Markup:
    of_model: dict[str, list[Listed]] = defaultdict(list)
    for item in items:
        of_model[item.model_used or item.model].append(item)
    rows = []
    failed = any(item.sha256 is None for item in items)
    for model, found in sorted(of_model.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        known = sum(item.cost_usd for item in found if item.cost_usd is not None)
        unknown = sum(item.cost_usd is None for item in found)
        came = sum(item.sha256 is not None for item in found)
        note = "<br>" + small(text(STAND_IN)) if is_stand_in(model) else ""
        without = [text(f"{len(found) - came:,}")] if failed else []
        rows.append([f"{text(model or 'no model')}{note}", text(f"{came:,}"), *without, text(usd_sum(known, unknown))])
    head = ["model", "pictures", *(["without a picture"] if failed else []), "cost"]
    more = lines(text(f"… and {count(len(rows) - MODELS, 'model')} more")) if len(rows) > MODELS else ""
    return Markup((table(rows[:MODELS], head) if rows else "") + more)


def _cell(shelf: Shelf, item: Listed, light: int) -> str:
    facts = small(text(" · ".join(facts_of(item))))
    under = lines(small(text(shortened(item.prompt, LINE) or "no prompt")), facts)
    instead = tile(item)["notice"]
    content = _picture(shelf, item, light) if instead is None else notice(instead, PX)
    style = f"{CELL};max-width:{PX + 16}px;overflow-wrap:anywhere;line-height:1.3"
    return f'<td align="left" valign="top" width="{PX + 16}" style="{style}">{content}{under}</td>'


def _picture(shelf: Shelf, item: Listed, light: int) -> Markup:
    try:
        data, width, small = _copy(shelf, item, light)
    except (ImagegenError, OSError) as error:
        return notice(f"the picture cannot be shown: {shortened(error, 120)}", PX)
    dashed = item.status == "placeholder"
    return image(data, alt=str(tile(item)["alt"]), width=width, dashed=dashed, sha256=str(item.sha256), small=small)


def _copy(shelf: Shelf, item: Listed, light: int) -> tuple[bytes, int, bool]:
    """Return a WebP, how wide it is to be drawn, and whether it is smaller than the thumbnail. Raises ImagegenError."""
    thumbnail = small_copy(artifact(shelf, item), THUMBNAIL_PX, shelf.parts[item.part].store.blobs)
    if len(thumbnail) <= light:
        _, width, height = peek(thumbnail)
        return thumbnail, max(1, round(width * min(1.0, PX / max(width, height)))), False
    copy = shrink(open_sound(thumbnail), PX)
    out = io.BytesIO()
    copy.save(out, "WEBP", quality=QUALITY, method=0)
    return out.getvalue(), copy.width, True


def artifact(shelf: Shelf, item: Listed) -> Picture:
    """Return the picture of ``item``, which has one."""
    return Picture(
        str(item.sha256), format=str(item.format), width=item.width, height=item.height, path=path_of(shelf, item)
    )
