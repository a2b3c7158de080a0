"""The picture files of a folder and the folders in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.retrieval.library.places import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENED = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp"))
# Not opened here, but meant as pictures: they are looked at, so that the report says why they were not taken.
MEANT = OPENED | frozenset(
    (".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".svg", ".jp2", ".jxl", ".psd", ".ico", ".apng")
)


def picture_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the picture files below ``folder``, by name, each with why it is refused ("" where it may be opened).

    Hidden files, our own, and what is no picture by its name or first bytes are passed over. Links to
    folders are not followed, links to files only inside ``folder``.
    """
    root = folder.resolve()
    for where, folders, files in os.walk(folder):
        top = os.path.samefile(where, folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (top and name in OURS))
        for name in sorted(files):
            path = Path(where, name)
            if name.startswith("."):
                continue
            refused = _refused(path, root)
            if path.suffix.lower() in MEANT or (not refused and not (top and name in OURS) and _looks(path)):
                yield path, refused


def _looks(path: Path) -> bool:
    """Whether a file with another name begins as the pictures do that are opened here: PNG, JPEG, WebP."""
    try:
        if not path.is_file():  # opening a pipe may never end
            return False
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def _refused(path: Path, root: Path) -> str:
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8. Rename it."
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            return "it is a link that leads out of the folder. Give the file itself."
    except (OSError, RuntimeError) as error:
        return f"it cannot be read: {error}."
    return ""
