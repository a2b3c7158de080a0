"""Pictures for the page: thumbnails when they come into sight, larger copies only when one is opened."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.views.films import as_film, film_poster
from imagegen_kit.views.pictures import THUMBNAIL_PX, small_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imagegen_kit.panels.view import View
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Artifact

OPENED_PX = 2048  # of the longer side of a picture that is opened; the original comes when it is asked for
QUALITY = 85
AT_ONCE = 24  # thumbnails in one message: the first row is there before the last is read


class PictureSource:
    """Answers a page's questions for pictures by sha256: only for those that ``find`` knows, which is the panel's own.

    ``find(sha256)`` returns the artifact, or None.
    """

    def __init__(self, find: Callable[[str], Artifact | None], blobs: Blobs | None) -> None:
        self._find, self._blobs = find, blobs

    def send_thumbnails(self, view: View, hashes: Iterable[str]) -> None:
        """Send WebP copies of at most 256 px, several in a message; one that cannot be read is told as missing."""
        wanted = [str(h) for h in hashes]
        for i in range(0, len(wanted), AT_ONCE):
            found, missing = [], {}
            for sha256 in wanted[i : i + AT_ONCE]:
                try:
                    found.append((sha256, small_copy(self._artifact(sha256), THUMBNAIL_PX, self._blobs)))
                except (ImagegenError, OSError) as error:
                    missing[sha256] = str(error)
            view.tell("thumbnails", [data for _, data in found], shas=[sha for sha, _ in found], missing=missing)

    def send_picture(self, view: View, sha256: str, *, original: bool = False) -> None:
        """Send one picture: a WebP of at most 2048 px a side, or the stored bytes as they are. Raises ImagegenError."""
        artifact = self._artifact(sha256)
        if (film := as_film(artifact)) is not None:  # its poster stands for it; the cell of its own result plays it
            artifact, original = Picture.from_bytes(film_poster(film, OPENED_PX, None)), False
        picture = open_picture(artifact)
        if original:
            data, format, size = picture.bytes, picture.format, (picture.width, picture.height)
        else:
            image = shrink(picture.image, OPENED_PX)
            out = io.BytesIO()
            image.save(out, "WEBP", quality=QUALITY, method=0)
            data, format, size = out.getvalue(), "webp", image.size
        about: dict[str, Any] = {"width": size[0], "height": size[1], "original": original}
        view.tell("picture", [data], sha=sha256, format=format, **about)

    def _artifact(self, sha256: str) -> Artifact:
        artifact = self._find(sha256)
        if artifact is None:
            raise ImagegenError(f"picture {sha256[:12]} does not belong to this panel")
        return artifact
