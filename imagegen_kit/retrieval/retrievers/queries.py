"""The pictures of a query: from whatever stands for a picture to PIL images that were opened and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.decode import DEFAULT, open_sound
from imagegen_kit.imaging.files import read_picture_file
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.retrieval.library.looking import EMBED_PX, prepared
from imagegen_kit.types import Reference

MOST_PICTURES = 100
T = TypeVar("T")


def pictures_of(given: Any, *, where: str = "image") -> list[Image.Image]:
    """Return PIL images, as embedders are to see them, for what is given; None is none.

    Each is a path, bytes, a PIL image, a uint8 array, a Picture, a Reference, or a result of ``generate`` (all its
    pictures); a list or tuple, or hits, hold several. Raises InvalidInput with a fault for each that cannot be read.
    """
    return _each(given, where, _image)


def hashes_of(given: Any, *, where: str = "image") -> frozenset[str]:
    """Return the sha256 of the files of a query's pictures; a PIL image counts as the PNG that a library keeps of it.

    Raises InvalidInput as ``pictures_of``.
    """
    return frozenset(_each(given, where, lambda source, name: open_picture(source, where=name).sha256))


def _each(given: Any, where: str, read: Callable[[Any, str], T]) -> list[T]:
    """Return what ``read`` makes of each picture, together with what it is called in faults."""
    if given is None:
        return []
    several = isinstance(given, (list, tuple)) or hasattr(given, "explain")  # hits are a sequence too
    if isinstance(given, dict) or (several and len(given) > MOST_PICTURES):
        what = f"{len(given)} pictures are more than {MOST_PICTURES}." if several else "a dict is no picture."
        raise InvalidInput([Fault(where, what)])
    found: list[T] = []
    faults: list[Fault] = []
    for place, one in enumerate(given if several else [given]):
        name = f"{where}[{place}]" if several else where
        try:
            found += [read(source, name) for source in _sources(one, name)]
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


def _image(source: Any, where: str) -> Image.Image:
    """Open and check a picture as those of a library are: once, and a large JPEG at a fraction of its size."""
    if (
        isinstance(source, Image.Image)
        and source.mode != "F"
        and 0 < source.width * source.height <= DEFAULT.max_pixels
    ):
        try:
            return prepared(source)
        except (OSError, ValueError, SyntaxError) as error:  # a lazily opened file is only read now
            raise InvalidInput([Fault(where, f"the PIL image cannot be read ({error}).")]) from error
    if isinstance(source, (str, Path)):
        _, data = read_picture_file(source, where=where, max_bytes=DEFAULT.max_bytes)
    else:
        data = bytes(source) if isinstance(source, (bytes, bytearray)) else open_picture(source, where=where).bytes
    return prepared(open_sound(data, where=where, draft=EMBED_PX))
