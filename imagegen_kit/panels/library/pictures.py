"""Thumbnails of a library's pictures: made in a thread of their own, kept in memory, never more than were looked at."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.errors import ImagegenError, InvalidInput, StoreError
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.views.pictures import THUMBNAIL_PX
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagegen_kit.types import Artifact

KEPT = 800  # thumbnails of about 8 KB
AT_ONCE = 6  # thumbnails in one message: a row of cards


class Thumbnails:
    """WebP copies by sha256. ``known`` are the pictures that the panel has shown: no other is ever read."""

    def __init__(self) -> None:
        self.known: dict[str, Artifact] = {}
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._guard = threading.Lock()

    def small(self, sha256: str, px: int = THUMBNAIL_PX) -> bytes:
        """Return a copy of at most ``px`` pixels a side. Raises ImagegenError where the picture cannot be read."""
        with self._guard:
            if (kept := self._kept.get((sha256, px))) is not None:
                self._kept.move_to_end((sha256, px))
                return kept
            larger = self._kept.get((sha256, THUMBNAIL_PX)) if px < THUMBNAIL_PX else None
        made = self._made(sha256, px, larger)
        with self._guard:
            self._kept[sha256, px] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _made(self, sha256: str, px: int, larger: bytes | None) -> bytes:
        if larger is not None:
            with Image.open(BytesIO(larger), formats=["WEBP"]) as own:
                return thumbnail(own, px)
        artifact = self.known.get(sha256)
        if artifact is None:
            raise InvalidInput(f"picture {sha256[:12]} does not belong to this panel")
        try:
            data = open_picture(artifact).bytes  # held against its hash
        except StoreError as error:
            if artifact.path is None or os.path.exists(artifact.path):
                raise
            raise StoreError(f"its file is gone: {artifact.path}") from error  # the reason first: a card is narrow
        return thumbnail(open_sound(data, upright=True, draft=2 * px), px)

    def several(self, hashes: Sequence[str]) -> Iterator[tuple[list[str], list[bytes], dict[str, str]]]:
        """Yield hashes with their copies, a few at a time, and those that cannot be read with the reason."""
        for start in range(0, len(hashes), AT_ONCE):
            found: list[str] = []
            copies: list[bytes] = []
            missing: dict[str, str] = {}
            for sha256 in hashes[start : start + AT_ONCE]:
                try:
                    copies.append(self.small(sha256))
                    found.append(sha256)
                except (ImagegenError, OSError) as error:
                    missing[sha256] = shortened(error, 200)
            yield found, copies, missing

    def ahead(self, hashes: Sequence[str], px: int) -> None:
        """Make copies before they are needed; one that cannot be made says so where it is used."""
        for sha256 in hashes:
            with contextlib.suppress(ImagegenError, OSError):
                self.small(sha256, px)
