"""Films in a cell: playable and part of the saved notebook where they are small, else a poster with where it lies."""

from __future__ import annotations

import contextlib
import os
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError, StoreError
from imagegen_kit.film import FORMATS, Film, stored
from imagegen_kit.film.poster import PX, poster
from imagegen_kit.views.markup import BORDER, Markup, box, figure, image, notice, text
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Artifact

INLINE_BYTES = 4 * 2**20  # of the films of one cell: what a saved notebook can carry
ONE_PX = 512  # a film shown alone


def as_film(artifact: Artifact) -> Film | None:
    """Return ``artifact`` as a film, None where it is a picture."""
    if isinstance(artifact, Film) or artifact.format not in FORMATS:
        return artifact if isinstance(artifact, Film) else None
    found = stored(artifact.sha256, artifact.format, artifact.width, artifact.height, artifact.path or "")
    return found if isinstance(found, Film) else None


def film_poster(film: Film, px: int, blobs: Blobs | None) -> bytes:
    """Return a film's poster as WebP, with a play sign; up to 256 pixels the store's own, made where it is missing.

    Raises ImagegenError where the film cannot be read, or PyAV is not there to do it.
    """
    small = blobs.thumbnail(film.sha256) if px <= PX and blobs is not None else None
    if small is None:
        small = poster(film.bytes, px)
        if px <= PX and blobs is not None:
            with contextlib.suppress(StoreError):  # a store that can only be read
                blobs.put_thumbnail(film.sha256, small)
    return small


def played(film: Film, alt: str, width: int, blobs: Blobs | None, *, room: int = INLINE_BYTES) -> Markup:
    """Return a player with the film inside the page, or beyond ``room`` bytes its poster and where the film lies."""
    try:
        data = film.bytes if _length(film) <= room else None
    except (ImagegenError, OSError) as error:
        return notice(f"the film cannot be shown: {shortened(error, 160)}", width)
    try:
        front = film_poster(film, width, blobs) if data is None else poster(data, width, marked=False)
        still = image(front, alt=f"first frame of a film, {alt}", width=width)
    except (ImagegenError, OSError) as error:
        front, still = b"", notice(f"its first frame cannot be shown: {shortened(error, 160)}", width)
    if data is None:
        return Markup(still + _elsewhere(film))
    source = f"data:video/{film.format};base64,{b64encode(data).decode('ascii')}"
    before = f'poster="data:image/webp;base64,{b64encode(front).decode("ascii")}" ' if front else ""
    style = f"display:block;max-width:100%;border:{BORDER};border-radius:3px;margin:0"
    return Markup(
        f'<video controls loop muted playsinline preload="metadata" width="{width}" aria-label="{text(alt)}" '
        f'{before}src="{source}" style="{style}">{still}</video>'  # the still is left where players are taken away
    )


def _length(film: Film) -> int:
    if film.size_bytes is not None:
        return film.size_bytes
    return len(film.data) if film.data is not None else os.path.getsize(film.path or "")


def _elsewhere(film: Film) -> str:
    """Return where a film lies that is too large for a page: a link, where it lies below this folder."""
    words = f"film of {_length(film) / 2**20:.1f} MB, too large to be part of the page"
    path = Path(film.path) if film.path else None
    if path is not None and path.is_relative_to(Path.cwd()):
        href = text(path.relative_to(Path.cwd()).as_posix())
        return f'<div><a href="{href}" target="_blank">open the film</a> ({text(words)})</div>'
    return f"<div>{text(words)}; film.save(…) writes it where you like</div>"


def about(film: Film) -> str:
    """Return length, size and rate in words; only the format where it cannot be read."""
    try:
        facts = film.facts
    except (ImagegenError, OSError):
        return f"{film.format.upper()} film"
    sound = ", with sound" if facts.sound else ""
    return f"{film.format.upper()} film · {facts.seconds:g} s · {facts.width}×{facts.height} · {facts.fps:g} fps{sound}"


def show_film(film: Film) -> str:
    """Show a film with a player and what it is like."""
    width = min(film.width or ONE_PX, ONE_PX)
    return box(figure(played(film, about(film), width, None), text(about(film)), width))
