"""A library in a cell: what it holds in words, and its first pictures."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from imagegen_kit.types.common import ROLES
from imagegen_kit.views.markup import box, lines, text
from imagegen_kit.views.pictures import reference_figure
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library import Library

THUMBNAILS = 12
THUMBNAIL_PX = 128


def show_library(library: Library) -> str:
    """Show how many pictures there are, in which roles, the embedder, and the first twelve."""
    roles = {role: len(library.numbers({"role": role})) for role in ROLES}
    facts = [count(len(library), "picture"), *(f"{number:,} {role}" for role, number in roles.items() if number)]
    head = f"<b>{text(library.name)}</b> · " + text(" · ".join([*facts, f"embedder {library.embedder.name}"]))
    more = f"… and {len(library) - THUMBNAILS:,} more" if len(library) > THUMBNAILS else ""
    figures = [reference_figure(reference, THUMBNAIL_PX) for reference in islice(library, THUMBNAILS)]
    return box(lines(head), *figures, lines(more))
