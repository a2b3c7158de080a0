"""Films of different sizes, rates or codecs brought to one: decoded, fitted, and encoded again."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from imagegen_kit.film.needing import pyav
from imagegen_kit.film.reading import facts_of, opened
from imagegen_kit.film.writing import add_frame, add_pictures, even, muxing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RATE = 48_000  # samples of sound a second
CHUNK = 1024  # samples that AAC takes at once


def blend(files: Sequence[bytes], size: tuple[int, int], fps: Fraction) -> bytes:
    """Return ``files`` after one another as one MP4 of ``size`` and ``fps``; with sound where any of them has some."""
    size = even(*size)
    facts = [facts_of(data) for data in files]
    with muxing("Joining films") as (out, finish):
        pictures = add_pictures(out, size, fps)
        sound = _add_sound(out) if any(f.sound for f in facts) else None
        shown = heard = 0
        for data, fact in zip(files, facts, strict=True):
            count = max(1, round(fact.seconds * fps))
            for frame in _frames(data, size, fps, count):
                add_frame(out, pictures, frame, shown)
                shown += 1
            if sound is not None:
                until = round(Fraction(shown) / fps * RATE)
                heard = _hear(out, sound, _samples(data, until - heard), heard)
        out.mux(pictures.encode(None))
        if sound is not None:
            out.mux(sound.encode(None))
        return finish()


def _frames(data: bytes, size: tuple[int, int], fps: Fraction, count: int) -> Iterator[Any]:
    """Yield ``count`` frames at ``fps``: at each moment the one that is shown then, fitted into ``size``."""
    with opened(data, "Joining films") as (container, stream):
        number, start, current = 0, None, None
        for frame in container.decode(stream):
            time = frame.time or 0.0
            start = time if start is None else start
            while current is not None and number < count and float(number / fps) < time - start - 1e-6:
                yield current
                number += 1
            current = _fitted(frame, size)
        while current is not None and number < count:
            yield current
            number += 1


def _fitted(frame: Any, size: tuple[int, int]) -> Any:
    if (frame.width, frame.height) == size:
        return frame
    picture = frame.to_image()
    scale = min(size[0] / picture.width, size[1] / picture.height)
    inner = (min(size[0], round(picture.width * scale)), min(size[1], round(picture.height * scale)))
    ground = Image.new("RGB", size)
    small = picture.resize(inner, Image.Resampling.LANCZOS)
    ground.paste(small, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return pyav("Joining films").VideoFrame.from_image(ground)


def _add_sound(out: Any) -> Any:
    return out.add_stream("aac", rate=RATE, layout="stereo", options={"threads": "1"})


def _samples(data: bytes, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return ``count`` samples of a film's sound as (2, count) float32 from -1 to 1, silent beyond its end."""
    found = [np.zeros((2, 0), np.float32)]
    with opened(data, "Joining films") as (container, _):
        if container.streams.audio:
            resampler = pyav("Joining films").AudioResampler(format="fltp", layout="stereo", rate=RATE)
            for frame in container.decode(container.streams.audio[0]):
                found += [part.to_ndarray() for part in resampler.resample(frame)]
            found += [part.to_ndarray() for part in resampler.resample(None)]
    heard = np.concatenate(found, axis=1)[:, :count]
    return np.pad(heard, ((0, 0), (0, count - heard.shape[1]))).astype(np.float32)


def _hear(out: Any, stream: Any, samples: np.ndarray[Any, np.dtype[np.float32]], heard: int) -> int:
    """Encode ``samples`` from sample number ``heard`` on; return the number after them."""
    av = pyav("Joining films")
    for start in range(0, samples.shape[1], CHUNK):
        part = np.ascontiguousarray(samples[:, start : start + CHUNK])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, heard + start, Fraction(1, RATE)
        out.mux(stream.encode(frame))
    return heard + int(samples.shape[1])
