"""Small films that differ: plain frames of one colour each, with or without sound, as MP4 or WebM."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from PIL import Image

from imagegen_kit.film.writing import write_film

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 200, 30), (30, 30, 200), (0, 0, 0)
Colour = tuple[int, int, int]


def small(*colours: Colour, size: tuple[int, int] = (64, 48), fps: int = 8, each: int = 8) -> bytes:
    """An MP4 that shows each colour for ``each`` frames."""
    frames = (Image.new("RGB", size, colour) for colour in colours for _ in range(each))
    return write_film(frames, size=size, fps=fps)


def sounding(colour: Colour, seconds: int = 1, size: tuple[int, int] = (64, 48), hz: int = 440) -> bytes:
    """An MP4 of one colour with a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        pictures: Any = container.add_stream("libx264", rate=8, options={"threads": "1"})
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        sound: Any = container.add_stream("aac", rate=48000, layout="stereo")
        for _ in range(8 * seconds):
            container.mux(pictures.encode(av.VideoFrame.from_image(Image.new("RGB", size, colour))))
        container.mux(pictures.encode(None))
        tone = (0.5 * np.sin(2 * np.pi * hz * np.arange(48000 * seconds) / 48000)).astype(np.float32)
        for start in range(0, len(tone), 1024):
            part = np.ascontiguousarray(np.stack([tone[start : start + 1024]] * 2))
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return out.getvalue()


def webm(colour: Colour, size: tuple[int, int] = (64, 48)) -> bytes:
    """A WebM of one second."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        container.metadata["title"] = "a secret prompt"
        stream: Any = container.add_stream("libvpx", rate=8)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(8):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", size, colour))))
        container.mux(stream.encode(None))
    return out.getvalue()


def near(picture: Image.Image, colour: Colour, within: int = 14) -> bool:
    """Whether the middle of a picture has this colour, as far as a codec keeps it."""
    found = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(found, tuple)
    return max(abs(a - b) for a, b in zip(found, colour, strict=True)) <= within


def loudness(data: bytes, start: float, end: float) -> float:
    """The root mean square of a film's sound between two moments."""
    with av.open(io.BytesIO(data)) as container:
        parts = [
            f.to_ndarray()
            for f in container.decode(container.streams.audio[0])
            if f.time is not None and start <= f.time < end
        ]
    return float(np.sqrt(np.mean(np.concatenate(parts, axis=1) ** 2)))
