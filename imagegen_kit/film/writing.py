"""Frames into an MP4 file that browsers play: H.264, 4:2:0, BT.709, the index in front; equal frames, equal bytes."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError
from imagegen_kit.film.needing import pyav

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from PIL import Image

FPS = 24
BT709, LIMITED = 1, 1  # as ISO/IEC 23091-2 and FFmpeg number them: else players guess, and shades differ
_MUXER = {"movflags": "+faststart", "fflags": "+bitexact"}  # no day and no version in the file
_WEBM = {"fflags": "+bitexact"}
# One thread: with several, their number changes the bytes.
_ENCODER = {"preset": "veryfast", "crf": "21", "threads": "1", "x264-params": "threads=1:lookahead-threads=1"}


def even(width: float, height: float) -> tuple[int, int]:
    """Return the nearest size that 4:2:0 allows: even pixels, at least 16."""
    return max(16, round(width / 2) * 2), max(16, round(height / 2) * 2)


@contextmanager
def muxing(
    feature: str = "Writing a film", metadata: Mapping[str, str] | None = None, format: str = "mp4"
) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Yield an open container, and what returns the file's bytes once the container is closed."""
    av = pyav(feature)
    with tempfile.TemporaryDirectory(prefix="imagegen-film-") as folder:  # the index moves to the front on disk only
        path = Path(folder) / f"film.{format}"
        try:
            with av.open(str(path), "w", format=format, options=_MUXER if format == "mp4" else _WEBM) as container:
                container.metadata.update(metadata or {})

                def finish() -> bytes:
                    container.close()
                    return path.read_bytes()

                yield container, finish
        except av.FFmpegError as error:
            raise ImagegenError(f"the film cannot be written: {error.strerror or error}") from error


def add_pictures(container: Any, size: tuple[int, int], fps: Fraction) -> Any:
    """Return a new H.264 stream of ``size`` with a keyframe each second, so that players can jump."""
    stream = container.add_stream("libx264", rate=fps, options={**_ENCODER, "g": str(max(1, round(fps)))})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc = LIMITED, BT709, BT709, BT709
    return stream


def add_frame(container: Any, stream: Any, frame: Any, number: int) -> None:
    """Encode ``frame`` (of PyAV) as the frame ``number`` of ``stream``."""
    made = frame.reformat(
        stream.width, stream.height, "yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED
    )  # fmt: skip
    made.pts, made.time_base = number, 1 / Fraction(stream.codec_context.framerate)
    container.mux(stream.encode(made))


def write_film(pictures: Iterable[Image.Image], *, size: tuple[int, int], fps: int = FPS, comment: str = "") -> bytes:
    """Return an MP4 of RGB ``pictures`` of ``size`` (even pixels), ``fps`` a second."""
    av = pyav("Writing a film")
    with muxing(metadata={"comment": comment} if comment else None) as (container, finish):
        stream = add_pictures(container, size, Fraction(fps))
        for number, picture in enumerate(pictures):
            add_frame(container, stream, av.VideoFrame.from_image(picture), number)
        container.mux(stream.encode(None))
        return finish()
