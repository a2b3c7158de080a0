"""Several films into one: put together as they are where they are alike, else brought to one size, rate and sound."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.film.artifact import Film, open_film
from imagegen_kit.film.blending import blend
from imagegen_kit.film.reading import facts_of, format_of, opened
from imagegen_kit.film.writing import muxing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def join(films: Iterable[Any], *, size: tuple[int, int] | None = None, fps: float | None = None) -> Film:
    """Return ``films`` (paths, bytes, Films) one after the other as one MP4 film in memory; ``parents`` names them.

    Films of one codec, size and rate are put together without loss. Otherwise, or where ``size`` (pixels) or ``fps``
    is given, all are encoded anew: in the first one's size and rate, fitted in with black bars, silent where a film
    has no sound. The same films give the same bytes. Raises InvalidInput where there is none or one is broken, and
    MissingDependency without PyAV.
    """
    found = [open_film(film) for film in films]
    if not found:
        raise InvalidInput([Fault("films", "there are none to join.", "Give at least one.")])
    if (standing := next((film for film in found if film.is_stand_in), None)) is not None:
        return standing  # in a plan
    files = [film.bytes for film in found]
    data: bytes | None = None
    if size is None and fps is None and _alike(files):
        data = _strung(files, "mp4")
    if data is None:
        first = facts_of(files[0])
        rate = Fraction(fps or first.fps or 24).limit_denominator(1001)
        data = blend(files, size or (first.width, first.height), rate)
    made = facts_of(data)
    digest = hashlib.sha256(data).hexdigest()
    parents = tuple(film.sha256 for film in found)
    return Film(digest, "film", "mp4", made.width, made.height, len(data), None, data, parents)


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


def without_metadata(data: bytes) -> bytes:
    """Return a film with the same packets in a new file of its format: without title, comment, day and place."""
    return _strung([data], format_of(data))


def _strung(files: Sequence[bytes], format: str) -> bytes:
    """Return the packets of all films in one file, each film's times moved behind the one before it."""
    with muxing("Joining films", format=format) as (out, finish):
        streams: dict[str, Any] = {}
        last: dict[str, Fraction] = {}
        offset = Fraction(0)
        for data in files:
            with opened(data, "Joining films") as (container, pictures):
                end = Fraction(0)
                sources = [pictures, *container.streams.audio[:1]]
                for source in sources:
                    streams.setdefault(source.type, None)
                    if streams[source.type] is None:
                        streams[source.type] = out.add_stream_from_template(source)
                for packet in container.demux(sources):
                    if not packet.size or packet.pts is None or packet.dts is None:
                        continue
                    kind, base = packet.stream.type, packet.time_base
                    if kind == "video":
                        end = max(end, (packet.pts + (packet.duration or 0)) * base)
                    shift = round(offset / base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    if kind in last and packet.dts * base <= last[kind]:
                        continue  # the sound of the film before it is a little longer than its pictures
                    last[kind] = packet.dts * base
                    packet.stream = streams[kind]
                    out.mux(packet)
            offset += end
        return finish()
