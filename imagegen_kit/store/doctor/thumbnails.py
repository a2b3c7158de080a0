"""Thumbnails: they can always be made again from their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.errors import ImagegenError, InvalidInput
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.store.doctor.files import files_of
from imagegen_kit.store.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.store import Store


def look_at_thumbnails(
    store: Store, pictures: Sequence[tuple[str, str]], *, repair: bool, quick: bool
) -> list[Finding]:
    """Return which of ``pictures`` (hash, format) have none, or one that cannot be opened; one finding for all.

    ``quick`` does not open them.
    """
    there = {file.sha256 for file in files_of(store, "thumbnails") if file.size_bytes}
    bad = [
        (sha256, format) for sha256, format in pictures if sha256 not in there or not (quick or _opens(store, sha256))
    ]
    if not bad:
        return []
    made = sum(_make(store, *one) for one in bad) if repair else 0
    says = "no thumbnail, or one that cannot be opened"
    subject = bad[0][0] if len(bad) == 1 else f"{len(bad)} pictures"
    fix = "made again" if made == len(bad) else "--repair makes it again; so does looking at the picture"
    return [Finding("missing thumbnail", subject, says, fix, mended=made == len(bad))]


def _opens(store: Store, sha256: str) -> bool:
    data = store.blobs.thumbnail(sha256)
    if data is None:
        return False
    try:
        open_sound(data)
    except InvalidInput:
        return False
    return True


def _make(store: Store, sha256: str, format: str) -> bool:
    try:
        small = thumbnail(open_sound(store.blobs.read(sha256, format)))
        store.blobs.thumbnail_path(sha256).unlink(missing_ok=True)
        store.blobs.put_thumbnail(sha256, small)
    except ImagegenError:
        return False
    return True
