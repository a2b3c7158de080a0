"""``offline/zoom`` and ``offline/fade``: real films of pictures that are given, or drawn from the prompt.

Both read the words with which camera movements are named; where none is named, seed, sample and picture choose one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from PIL import Image

from imagegen_kit.film.writing import FPS, even, write_film
from imagegen_kit.providers.offline import collage
from imagegen_kit.providers.offline.brief import make_brief
from imagegen_kit.providers.offline.inputs import cover, load
from imagegen_kit.types import ImageRequest, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.types import Artifact, VideoRequest

SECONDS, SIDE = 2.0, 512  # where nothing is asked: of the film, and pixels of its longer side
SPARE = {"zoom": 1.4, "fade": 1.07}  # times the film's side: a larger picture is made smaller once, not for each frame
_MOVES = {
    "in": r"zoom(s|ing)? in|push(es|ing)? in|dolly in|closer|close[- ]up|approach",
    "out": r"zoom(s|ing)? out|pull(s|ing)? (back|out)|dolly out|reveal|wide shot",
    "left": r"pan(s|ning)? (to the )?left|tracking left|moves left",
    "right": r"pan(s|ning)? (to the )?right|tracking right|moves right",
    "up": r"tilt(s|ing)? up|crane(s|ing)? up|rises|pedestal up",
    "down": r"tilt(s|ing)? down|crane(s|ing)? down|descends|pedestal down",
}
_SPEEDS = ((r"\b(very )?slow(ly)?\b|gentl", 0.14), (r"\b(fast|quick|rapid|swift)", 0.36))
USUAL = 0.24  # share of the picture that the camera moves through
BREATH = 0.06  # how far both pictures of a fade move
Box = tuple[float, float, float, float]


def render(name: str, request: VideoRequest) -> tuple[bytes, tuple[int, int]]:
    """Return the film as MP4 bytes, and its (width, height). Raises MissingDependency without PyAV."""
    first = _picture(request, request.first_frame, 0)
    size = _size(request, first)
    first = _ready(first or _drawn(request, size, 0), size, SPARE[name])
    count = max(2, round((request.seconds or SECONDS) * FPS))
    if name == "fade":
        last = _picture(request, request.last_frame, 1) or _drawn(request, size, 1)
        frames = _fade(first, _ready(last, size, SPARE[name]), size, count)
    else:
        frames = _zoom(first, size, count, *movement(request))
    return write_film(frames, size=size, comment=f"drawn by offline/{name}, an offline stand-in"), size


def movement(request: VideoRequest) -> tuple[str, float]:
    """Return (in, out, left, right, up or down; share of the picture) for what the prompt says of the camera."""
    text = request.prompt.lower()
    found = {name: match.start() for name, words in _MOVES.items() if (match := re.search(words, text))}
    given = request.first_frame.sha256 if request.first_frame is not None else text
    digest = hashlib.sha256(f"{given} {request.seed or 0} {request.sample}".encode("utf-8", "replace")).digest()
    move = min(found, key=found.__getitem__) if found else ("in", "out", "left", "right")[digest[0] % 4]
    share = next((share for words, share in _SPEEDS if re.search(words, text)), USUAL)
    return move, share


def _picture(request: VideoRequest, given: Artifact | None, place: int) -> Image.Image | None:
    """Return a given frame on white, else the reference in its place, None where there is neither."""
    if given is None and place < len(request.references):
        given = request.references[place].picture
    if given is None:
        return None
    picture = load(given)
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def _drawn(request: VideoRequest, size: tuple[int, int], further: int) -> Image.Image:
    """Return a picture of the prompt, as ``offline/collage`` draws it."""
    asked = ImageRequest(
        prompt=request.prompt, model="offline/collage", negative_prompt=request.negative_prompt, seed=request.seed,
        sample=request.sample + further, size=Size(*size),
    )  # fmt: skip
    return collage.draw(make_brief("collage", asked)).convert("RGB")


def _size(request: VideoRequest, first: Image.Image | None) -> tuple[int, int]:
    if request.size is not None:
        return even(*request.size.pixels(SIDE))
    if first is None:
        return SIDE, SIDE
    scale = SIDE / max(first.size)
    return even(first.width * scale, first.height * scale)


def _ready(picture: Image.Image, size: tuple[int, int], spare: float) -> Image.Image:
    """Return ``picture`` cropped to the film's shape, with pixels to spare for moving closer."""
    scale = min(spare, max(1.0, min(picture.width / size[0], picture.height / size[1])))
    return cover(picture, round(size[0] * scale), round(size[1] * scale))


def _zoom(picture: Image.Image, size: tuple[int, int], count: int, move: str, share: float) -> Iterator[Image.Image]:
    for number in range(count):
        yield picture.resize(size, Image.Resampling.BICUBIC, box=_box(picture, move, share, _eased(number, count)))


def _box(picture: Image.Image, move: str, share: float, at: float) -> Box:
    """Return the part of the picture that is seen ``at`` (0 to 1) of the movement."""
    if move in ("in", "out"):
        zoom = 1 - share * (at if move == "in" else 1 - at)
        x = y = (1 - zoom) / 2
    else:
        zoom, middle = 1 - share, share / 2
        way = share * at
        x = {"left": share - way, "right": way}.get(move, middle)
        y = {"up": share - way, "down": way}.get(move, middle)
    width, height = picture.size
    return x * width, y * height, min(1.0, x + zoom) * width, min(1.0, y + zoom) * height


def _fade(first: Image.Image, last: Image.Image, size: tuple[int, int], count: int) -> Iterator[Image.Image]:
    """Yield the first picture turning into the last one, while the view closes in on one and opens on the other."""
    for number in range(count):
        at = number / (count - 1)
        weight = min(1.0, max(0.0, (at - 0.15) / 0.7))
        weight = weight * weight * (3 - 2 * weight)
        near = first.resize(size, Image.Resampling.BICUBIC, box=_box(first, "in", BREATH, at))
        far = last.resize(size, Image.Resampling.BICUBIC, box=_box(last, "out", BREATH, at))
        yield Image.blend(near, far, weight)


def _eased(number: int, count: int) -> float:
    """Return how far the movement is at a frame: it begins and ends softly."""
    at = number / (count - 1)
    return 0.4 * at + 0.6 * at * at * (3 - 2 * at)
