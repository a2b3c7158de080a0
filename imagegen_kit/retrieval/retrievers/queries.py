"""The pictures of a query: from whatever stands for a picture to PIL images that were opened and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from PIL import Image

MOST_PICTURES = 100
EMBED_PX = 512  # embedders see at most so many pixels a side, of queries as of the library's pictures


def pictures_of(given: Any, *, where: str = "image") -> list[tuple[Image.Image, str]]:
    """Return (PIL image, sha256 of the file) for what is given; None is none.

    Each is a path, bytes, a PIL image, a uint8 array, a Picture, a Reference, or a result of ``generate`` (all its
    pictures); a list or tuple holds several. Raises InvalidInput with a fault for each that cannot be read.
    """
    if given is None:
        return []
    several = isinstance(given, (list, tuple)) or (hasattr(given, "__iter__") and hasattr(given, "explain"))
    if isinstance(given, dict) or (several and len(given) > MOST_PICTURES):
        what = f"{len(given)} pictures are more than {MOST_PICTURES}." if several else "a dict is no picture."
        raise InvalidInput([Fault(where, what)])
    found: list[tuple[Image.Image, str]] = []
    faults: list[Fault] = []
    for place, one in enumerate(given if several else [given]):
        name = f"{where}[{place}]" if several else where
        try:
            for source in _sources(one, name):
                picture = open_picture(source, where=name)
                found.append((shrink(picture.image, EMBED_PX), picture.sha256))
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults)
    return found


def _sources(one: Any, where: str) -> tuple[Any, ...]:
    if isinstance(one, Reference):
        return (one.picture,)
    if hasattr(one, "results") and hasattr(one, "pictures"):  # an ImageResult, which lives in a room above
        if not one.pictures:
            raise InvalidInput([Fault(where, "is a result without a picture.", "Its `error` says why.")])
        return tuple(one.pictures)
    return (one,)
