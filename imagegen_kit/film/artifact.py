"""``Film``: a stored film by its hash, that can be played, looked into and saved; ``open_film`` reads one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency
from imagegen_kit.film import provenance as _provenance
from imagegen_kit.film.reading import MAX_BYTES, Facts, facts_of, first_frame, format_of, frame_at, last_frame
from imagegen_kit.film.stringing import without_metadata
from imagegen_kit.imaging.files import read_picture_file, stored_bytes, write_whole
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.lazy import Shown
from imagegen_kit.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

FORMATS = ("mp4", "webm")
Bytes = bytes  # inside the class ``bytes`` is the property


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Film(Artifact, Shown):
    """A film by its sha256: an MP4 or WebM file, whose bytes lie in ``data`` or at ``path``.

    ``width`` and ``height`` are pixels, None where it was stored without PyAV. What looks into it (``facts``, the
    frames) reads the file, and raises MissingDependency without PyAV. ``provenance`` is the record of the request that
    made it, where the engine hands it over; it is written by ``save``.
    """

    kind: str = field(default="film", compare=False)  # type: ignore[assignment]  # one of the kinds of Artifact
    format: str = field(default="mp4", compare=False)
    provenance: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def open(cls, path: str | Path) -> Film:
        """Read and check the film at ``path``. Raises InvalidInput in plain words."""
        found, data = read_picture_file(path, where="film", max_bytes=MAX_BYTES)
        return cls._of(data, str(found))

    @classmethod
    def from_bytes(cls, data: Bytes) -> Film:
        """Check ``data`` and keep it in memory. Raises InvalidInput for anything but a whole MP4 or WebM file."""
        return cls._of(bytes(data), None)

    @classmethod
    def _of(cls, data: Bytes, path: str | None) -> Film:
        format = format_of(data)
        try:
            facts = facts_of(data)
        except MissingDependency:  # its container is known, and what is in it is not
            facts = None
        width, height = (facts.width, facts.height) if facts else (None, None)
        digest = hashlib.sha256(data).hexdigest()
        return cls(digest, "film", format, width, height, len(data), path, None if path else data)

    @property
    def bytes(self) -> Bytes:
        """The file as it was stored. Raises StoreError where it is gone, CorruptArtifact where it has changed."""
        return stored_bytes(self, "film")

    @property
    def facts(self) -> Facts:
        """Size, length in seconds, frames a second, number of frames, codec, and whether it has sound."""
        return facts_of(self.bytes)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.facts.seconds

    @property
    def first_frame(self) -> Image.Image:
        """Its first frame as a PIL image: the poster."""
        return first_frame(self.bytes)

    @property
    def last_frame(self) -> Image.Image:
        """Its last frame as a PIL image, for a film that goes on from there."""
        return last_frame(self.bytes)

    @property
    def request(self) -> dict[str, Any] | None:
        """The record of the request that made it, from the engine or else from the file; None where neither has one."""
        return dict(self.provenance) if self.provenance is not None else _provenance.read(self.bytes)

    @property
    def is_stand_in(self) -> bool:
        """Whether it only stands for a film that a plan foresees."""
        return False

    def frame(self, seconds: float) -> Image.Image:
        """Return the frame that is shown ``seconds`` after the start; the last one where it is shorter."""
        return frame_at(self.bytes, seconds)

    def save(self, path: str | Path, share: bool = False) -> Path:
        """Write the film with its provenance to ``path`` and return it; folders are made, an old file is replaced.

        Pictures and sound stay as they are. Without a suffix the film's own is added. ``share`` leaves out the record
        and all other metadata, for which PyAV is needed; without it no record is written either. Raises InvalidInput
        for an unusable path, StoreError where writing fails.
        """
        target = Path(path).expanduser()
        if "\0" in str(target) or target.is_dir():
            raise InvalidInput([Fault("path", f"{str(target)[:200]!r} is not a file's name.", "Add a file name.")])
        target = target if target.suffix else target.with_name(f"{target.name}.{self.format}")
        if target.suffix.lower() != f".{self.format}":
            what = f"{target.suffix!r} is another format than the film's, and it is not converted."
            raise InvalidInput([Fault("path", what, f"Write .{self.format}.")])
        data = self.bytes
        if share:
            data = without_metadata(data)
        elif self.provenance is not None:
            parents = [*(self.provenance.get("parents") or ()), self.sha256]
            data = _provenance.embed(data, {**self.provenance, "parents": list(dict.fromkeys(parents))})
        return write_whole(target, data, "film")

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, Artifact) else NotImplemented

    def __hash__(self) -> int:
        return Artifact.__hash__(self)

    def __repr__(self) -> str:
        return f"Film({self.format}, {self.width}×{self.height})" if self.width else f"Film({self.format})"


def open_film(source: object) -> Film:
    """Return ``source`` (a path, bytes, a Film, or an answer that has one) as a Film. Raises InvalidInput."""
    one = getattr(source, "film", source)
    if isinstance(one, Film):
        return one
    if isinstance(one, (str, Path)):
        return Film.open(one)
    if isinstance(one, (bytes, bytearray, memoryview)):
        return Film.from_bytes(bytes(one))
    raise InvalidInput([Fault("film", f"a {type(source).__name__} is no film.", "Give a path, bytes or a Film.")])


def stored(sha256: str, format: str, width: int | None, height: int | None, path: str) -> Picture | Film:
    """Return what a journal's row names: a picture, or a film by its format."""
    if format in FORMATS:
        return Film(sha256, "film", format, width, height, None, path)
    return Picture(sha256, format=format, width=width, height=height, path=path)
