"""What a film is: its container by its first bytes; its size, length and frames by PyAV."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.film.needing import pyav
from imagegen_kit.imaging.decode import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

MAX_BYTES = 512 * 2**20  # of one film
_DEMUXERS = {"mp4": "mp4", "webm": "matroska"}  # named, so that nothing in the bytes chooses another one
LAST_S = 2.0  # before the end, from where the last frame is looked for


@dataclass(frozen=True, slots=True)
class Facts:
    """What a film is like: pixels, seconds, frames a second, how many frames, the codec's name, and if it has sound."""

    width: int
    height: int
    seconds: float
    fps: float
    frames: int
    codec: str
    sound: bool


def format_of(data: bytes, where: str = "film") -> str:
    """Return "mp4" or "webm" by the first bytes. Raises InvalidInput for anything else."""
    if len(data) > MAX_BYTES:
        raise _refused(where, f"it has {len(data):,} bytes; {MAX_BYTES:,} are the most.")
    if data[4:8] == b"ftyp" and data[8:12] not in (b"avif", b"heic", b"mif1"):
        return "mp4"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "webm"
    raise _refused(where, "these bytes are no MP4 or WebM file." if data else "there is nothing in it.")


@contextmanager
def opened(data: bytes, feature: str = "Looking into a film") -> Iterator[tuple[Any, Any]]:
    """Open a film and yield (container, its stream of pictures); what PyAV raises inside becomes InvalidInput."""
    av = pyav(feature)
    demuxer = _DEMUXERS[format_of(data)]
    try:
        with av.open(io.BytesIO(data), format=demuxer) as container:
            if not container.streams.video:
                raise _refused("film", "there is no stream of pictures in it.")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise _refused("film", "what its pictures are encoded in is not known.")
            if stream.width * stream.height > DEFAULT.max_pixels:
                raise _refused("film", f"its frames have {stream.width}×{stream.height} pixels, which is too much.")
            yield container, stream
    except av.FFmpegError as error:
        raise _refused("film", f"it cannot be read: {error.strerror or error}.") from error


def facts_of(data: bytes) -> Facts:
    """Return what a film is like. Raises InvalidInput where it is broken or cut off."""
    with opened(data) as (container, stream):
        packets = [p for p in container.demux(stream) if p.size]
        told, count = stream.frames, len(packets)
        if count < max(1, told) or any(p.is_corrupt for p in packets):
            raise _refused("film", f"it is cut off: {count} of {told} frames are there.")
        rate = float(stream.average_rate or 0)
        ends = [float((p.pts + (p.duration or 0)) * p.time_base) for p in packets if p.pts is not None]
        seconds = max(ends, default=0.0) or (count / rate if rate else 0.0)
        sound, codec = bool(container.streams.audio), stream.codec_context.name
        return Facts(stream.width, stream.height, round(seconds, 3), rate, count, codec, sound)


def first_frame(data: bytes) -> Image.Image:
    """Return the first frame as a PIL image. Raises InvalidInput where none can be decoded."""
    with opened(data) as (container, stream):
        return _one(islice(container.decode(stream), 1))


def last_frame(data: bytes) -> Image.Image:
    """Return the last frame as a PIL image. Raises InvalidInput where none can be decoded."""
    return frame_at(data, facts_of(data).seconds)


def frame_at(data: bytes, seconds: float) -> Image.Image:
    """Return the frame that is shown ``seconds`` after the start, the last one where the film is shorter."""
    with opened(data) as (container, stream):
        start = max(0.0, seconds - LAST_S)
        if start:
            container.seek(int(start * 1_000_000))  # to the keyframe before it
        return _one(_until(container.decode(stream), seconds))


def _until(frames: Iterator[Any], seconds: float) -> Iterator[Any]:
    """Yield frames up to the one that is shown at ``seconds``, the first in any case."""
    for number, frame in enumerate(frames):
        if number and frame.time is not None and frame.time > seconds + 1e-6:
            return
        yield frame


def _one(frames: Iterator[Any]) -> Image.Image:
    found = None
    for frame in frames:
        found = frame
    if found is None:
        raise _refused("film", "no frame of it can be decoded.")
    image: Image.Image = found.to_image()
    return image


def _refused(where: str, what: str) -> InvalidInput:
    return InvalidInput([Fault(where, what, "Give a whole MP4 or WebM file.")])
