"""Several films into one: put together as they are where they are alike, else brought to one size, rate and sound."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.film.artifact import Film, open_film
from imagegen_kit.film.blending import blend
from imagegen_kit.film.reading import facts_of, opened
from imagegen_kit.film.stringing import strung

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def join(films: Iterable[Any], *, size: tuple[int, int] | None = None, fps: float | None = None) -> Film:
    """Return ``films`` (paths, bytes, Films) one after the other as one MP4 film in memory; ``parents`` names them.

    Films of one codec, size and rate are put together without loss. Otherwise, or where ``size`` (pixels) or ``fps``
    is given, all are encoded anew: in the first one's size and rate, fitted in with black bars, silent where a film
    has no sound. What is put together without loss is the same bytes each time; what is encoded anew nearly always (it
    was seen to differ by one level in a few pixels, in one of a hundred joins beside other work). Raises InvalidInput
    where there is none or one is broken, and MissingDependency without PyAV.
    """
    found = [open_film(film) for film in films]
    if not found:
        raise InvalidInput([Fault("films", "there are none to join.", "Give at least one.")])
    if (standing := next((film for film in found if film.is_stand_in), None)) is not None:
        return standing  # in a plan
    files = [film.bytes for film in found]
    data: bytes | None = None
    if size is None and fps is None and _alike(files):
        data = strung(files, "mp4")
    if data is None:
        first = facts_of(files[0])
        rate = Fraction(fps or first.fps or 24).limit_denominator(1001)
        data = blend(files, size or (first.width, first.height), rate)
    made = facts_of(data)
    digest = hashlib.sha256(data).hexdigest()
    parents = tuple(film.sha256 for film in found)
    record = _record([film.provenance for film in found], parents)
    return Film(digest, "film", "mp4", made.width, made.height, len(data), None, data, parents, provenance=record)


def _record(records: Sequence[Mapping[str, Any] | None], parents: Sequence[str]) -> dict[str, Any] | None:
    """Return what a joined film tells of its making: of what it was joined; None where nothing is known of any."""
    known = [record for record in records if record is not None]
    if not known:
        return None
    models = dict.fromkeys(str(r.get("model_used") or r.get("model")) for r in known)
    told: dict[str, Any] = {"tool": known[0].get("tool"), "derived_by": "imagegen_kit.film:join"}
    told |= {"model_used": ", ".join(models), "parents": list(parents)}
    return told | {"films": [None if record is None else dict(record) for record in records]}


def _alike(files: Sequence[bytes]) -> bool:
    """Whether the packets of all films fit into one stream: H.264 with the same parameters, and the same sound."""
    kinds: set[tuple[Any, ...]] = set()
    for data in files:
        with opened(data, "Joining films") as (container, stream):
            codec = stream.codec_context
            sound = [(a.codec_context.name, a.rate, a.layout.name, a.codec_context.extradata)
                     for a in container.streams.audio[:1]]  # fmt: skip
            pictures = (codec.name, codec.width, codec.height, codec.pix_fmt, codec.extradata, stream.average_rate)
            kinds.add((*pictures, *sound))
            if codec.name != "h264":
                return False
    return len(kinds) == 1
