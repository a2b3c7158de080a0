"""``Picture``: stored bytes by hash that a person can open, look at and save; and ``open_picture``, which reads any."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging import provenance as _provenance
from imagegen_kit.imaging.decode import DEFAULT, Limits, open_sound, peek, turned_upright
from imagegen_kit.imaging.encode import SUFFIXES, encode
from imagegen_kit.imaging.files import read_picture_file, stored_bytes, write_whole
from imagegen_kit.imaging.thumbnail import shrink
from imagegen_kit.lazy import Shown
from imagegen_kit.types import Artifact

_HASH = re.compile("[0-9a-f]{64}")
_LINEAGE = 7  # parents that a saved file names beside the original
Bytes = bytes  # inside the class ``bytes`` is the property


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Picture(Artifact, Shown):
    """A picture by its sha256. The bytes lie in ``data`` or at ``path``; ``width`` and ``height`` are upright pixels.

    ``provenance`` is the record of the request that made it, where the engine hands it over; it is written by ``save``.
    """

    provenance: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(cls, path: str | Path, *, where: str = "picture", limits: Limits = DEFAULT) -> Picture:
        """Read and check the picture at ``path`` (``~`` is the home folder). Raises InvalidInput in plain words."""
        found, data = read_picture_file(path, where=where, max_bytes=limits.max_bytes)
        return cls._of(data, where=where, limits=limits, path=str(found))

    @classmethod
    def from_bytes(cls, data: Bytes, *, where: str = "picture", limits: Limits = DEFAULT) -> Picture:
        """Check ``data`` and keep it in memory. Raises InvalidInput for anything but a whole PNG, JPEG or WebP."""
        return cls._of(bytes(data), where=where, limits=limits)

    @classmethod
    def from_image(cls, image: Image.Image, *, where: str = "picture", limits: Limits = DEFAULT) -> Picture:
        """Keep a PIL image as PNG. Raises InvalidInput for one without pixels, too large, or of numbers (mode F)."""
        what = ""
        if not image.width or not image.height:
            what = f"the PIL image is {image.width}×{image.height} pixels, so there is nothing in it."
        elif image.width * image.height > limits.max_pixels:
            what = f"{image.width}×{image.height} pixels are more than {limits.max_pixels / 1e6:g} megapixels."
        elif image.mode == "F":
            what = "a PIL image of mode F holds numbers, not shades; convert it to L or RGB."
        if what:
            raise InvalidInput([Fault(where, what)])
        try:
            image = turned_upright(image)
            data = encode(image)
        except (OSError, ValueError, SyntaxError) as error:  # a lazily opened file is only read now
            raise InvalidInput([Fault(where, f"the PIL image cannot be read ({error}).")]) from error
        digest = hashlib.sha256(data).hexdigest()
        return cls(digest, "picture", "png", image.width, image.height, len(data), data=data)

    @classmethod
    def _of(cls, data: Bytes, *, where: str, limits: Limits, path: str | None = None) -> Picture:
        width, height = open_sound(data, where=where, limits=limits, upright=True).size
        format, _, _ = peek(data)
        digest = hashlib.sha256(data).hexdigest()
        return cls(digest, "picture", format, width, height, len(data), path, None if path else data)

    @property
    def bytes(self) -> Bytes:
        """The file as it was stored. Raises StoreError where it is gone, CorruptArtifact where it has changed."""
        return stored_bytes(self, "picture")

    @property
    def image(self) -> Image.Image:
        """The picture as a PIL image, upright; a fresh one at each access, so that it may be changed freely."""
        return open_sound(self.bytes, upright=True)

    @property
    def request(self) -> dict[str, Any] | None:
        """The record of the request that made it, from the engine or else from the file; None where neither has one."""
        return dict(self.provenance) if self.provenance is not None else _provenance.read(self.bytes)

    @property
    def content_credentials(self) -> bool:
        """Whether the file carries a C2PA box of the service that made it; nothing is said of its validity."""
        return _provenance.content_credentials(self.bytes)

    def thumbnail(self, px: int = 256) -> Image.Image:
        """Return a small PIL copy whose longer side is at most ``px`` pixels."""
        return shrink(self.image, px)

    def save(self, path: str | Path, share: bool = False) -> Path:
        """Write the picture with its provenance to ``path`` and return it; folders are made, an old file is replaced.

        The suffix names the format (.png, .jpg, .jpeg, .webp; without one the picture's own is added). In its own
        format the pixels stay as they are; only JPEG loses any in conversion. ``share`` leaves out prompt, references,
        paths, labels and all other metadata. Raises InvalidInput for an unusable path, StoreError where writing fails.
        """
        target = Path(path).expanduser()
        try:
            folder = "\0" not in str(target) and target.is_dir()
        except OSError as error:
            raise InvalidInput([Fault("path", f"{str(target)[:200]!r}…: {error.strerror}.")]) from error
        if "\0" in str(target):
            raise InvalidInput([Fault("path", f"{str(target)[:200]!r} is not a path.")])
        if folder:
            raise InvalidInput([Fault("path", f"{target} is a folder.", "Add a file name.")])
        if not target.suffix:
            target = target.with_name(target.name + (".jpg" if self.format == "jpeg" else f".{self.format}"))
        format = SUFFIXES.get(target.suffix.lower())
        if format is None:
            hint = "Use " + ", ".join(SUFFIXES) + "."
            raise InvalidInput([Fault("path", f"{target.suffix!r} is no format that is written here.", hint)])
        data, record = self.bytes, self.request
        if format != self.format:
            data = encode(open_sound(data, upright=True), format)
        if record is not None:
            lineage = [*_hashes(record.get("parents")), self.sha256]
            data = _provenance.embed(data, {**record, "parents": list(dict.fromkeys(lineage))}, share=share)
        elif share:
            data = _provenance.strip(data)
        return write_whole(target, data)

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, Artifact) else NotImplemented

    def __hash__(self) -> int:
        return Artifact.__hash__(self)

    def __repr__(self) -> str:
        return f"Picture({self.format}, {self.width}×{self.height})"


def _hashes(parents: object) -> list[str]:
    """Return what a record, from a file that may come from anywhere, says of its parents: the original and the last."""
    found = [p for p in parents if isinstance(p, str) and _HASH.fullmatch(p)] if isinstance(parents, list) else []
    return [*found[:1], *found[1:][-_LINEAGE:]]


def open_picture(source: object, *, where: str = "picture", limits: Limits = DEFAULT) -> Picture:
    """Return ``source`` as a checked Picture: a path, bytes, an open file, a PIL image, a uint8 array, or an Artifact.

    Raises InvalidInput, with ``where`` in its fault, for anything else and for whatever cannot be read.
    """
    if isinstance(source, Artifact):
        return _of_artifact(source, where)
    if isinstance(source, (str, Path)):
        return Picture.open(source, where=where, limits=limits)
    if isinstance(source, Image.Image) or hasattr(source, "__array_interface__"):
        image = source if isinstance(source, Image.Image) else _image_of_array(source, where)
        return Picture.from_image(image, where=where, limits=limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        data: object = bytes(source)
    elif hasattr(source, "getvalue"):  # BytesIO, wherever its position is
        data = source.getvalue()
    else:
        data = source.read(limits.max_bytes + 1) if hasattr(source, "read") else None
    if not isinstance(data, bytes):
        what = f"a {type(source).__name__} is no picture."
        raise InvalidInput([Fault(where, what, "Give a path, bytes, a PIL image, a uint8 array or a Picture.")])
    return Picture.from_bytes(data, where=where, limits=limits)


def _of_artifact(source: Artifact, where: str) -> Picture:
    if isinstance(source, Picture):
        return source
    if source.kind != "picture":
        raise InvalidInput([Fault(where, f"this is a {source.kind}, not a picture.")])
    shared = (source.size_bytes, source.path, source.data, source.parents)
    return Picture(source.sha256, "picture", source.format, source.width, source.height, *shared)


def _image_of_array(array: Any, where: str) -> Image.Image:
    form = array.__array_interface__
    shape, kind = tuple(form["shape"]), form["typestr"][1:]
    if kind != "u1":
        what = f"the array holds {array.dtype}, not uint8."
        hint = "For shades from 0 to 1 give (array * 255).astype('uint8')."
    elif not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))) or 0 in shape:
        what = f"an array of shape {shape} is no picture."
        hint = "The shape is (height, width), or (height, width, 3 or 4)."
    else:
        return Image.fromarray(array[:, :, 0] if len(shape) == 3 and shape[2] == 1 else array)
    raise InvalidInput([Fault(where, what, hint)])
