"""Packets of films into another file, as they are: nothing is encoded anew."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from imagegen_kit.film.reading import format_of, opened
from imagegen_kit.film.writing import muxing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def without_metadata(data: bytes) -> bytes:
    """Return a film with the same packets in a new file of its format: without title, comment, day and place."""
    return strung([data], format_of(data))


def strung(files: Sequence[bytes], format: str, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the packets of all films in one file with ``metadata``, each film's times behind those of the last."""
    with muxing("Joining films", metadata, format) as (out, finish):
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
                        streams[source.type] = made = out.add_stream_from_template(source)
                        if source is pictures and source.average_rate:  # else a WebM's last frame has no length
                            made.codec_context.framerate = source.average_rate
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
