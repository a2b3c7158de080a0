"""Turn a reply into a stored picture or text: checked, hashed, thumbnailed and on disk. Runs in threads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.capabilities.sizes import alike
from imagegen_kit.checks import run_checks
from imagegen_kit.errors import InvalidInput, InvalidReply, MissingDependency, StoreError
from imagegen_kit.film import FORMATS, Film
from imagegen_kit.film.poster import poster
from imagegen_kit.film.reading import facts_of, format_of, frame_at
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.store.faults import no_room
from imagegen_kit.types import Adaptation, Artifact, Check, Reply, Size, TextRequest, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from imagegen_kit.errors import ImagegenError
    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Request

HOLD_TRIES = 60  # seconds that an answer is held in memory while the disk has no room for it
T = TypeVar("T")
RATIO_SIDE = 1024  # pixels that a size in words is reckoned with; where only a ratio was asked the area plays no part


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies in the store by now, what was measured of it, and in what it differs from what was sent for."""

    made: Artifact
    checks: tuple[Check, ...] = ()
    notes: tuple[Adaptation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(Reply):
    """A reply whose bytes stayed where the call was made: ``kept`` there, or the ``problem`` that prevented it.

    ``total_s`` and ``keep_s`` are the seconds that the call and the keeping took there.
    """

    kept: Kept | None
    problem: ImagegenError | None
    total_s: float
    keep_s: float


def keep_made(blobs: Blobs, reply: Reply, sent: Request, measure: Mapping[str, Any] | Sequence[str] | None) -> Kept:
    """Store what ``reply`` brought. Raises InvalidReply for unsound bytes, StoreError where there is no room."""
    if isinstance(sent, TextRequest):
        return Kept(keep_text(blobs, reply.text or "", sent))
    if isinstance(sent, VideoRequest):
        return Kept(*keep_film(blobs, reply.films[0], sent, measure))
    return Kept(*keep_picture(blobs, reply.pictures[0], sent, measure))


async def with_room(
    keep: Callable[[], Awaitable[T]],
    sleep: Callable[[float], Awaitable[None]],
    tell_wait: Callable[[float, str], None],
) -> T:
    """Await ``keep()``; where the disk is full, hold what was paid for and try again for a minute, and say so."""
    for left in range(HOLD_TRIES, -1, -1):
        try:
            return await keep()
        except StoreError as error:
            if not (left and no_room(error)):
                raise
            if left == HOLD_TRIES:
                tell_wait(HOLD_TRIES * 1.0, "the disk is full: make room, so that what was paid for is kept")
        await sleep(1.0)
    raise AssertionError  # the last round returns or raises


def keep_picture(
    blobs: Blobs, data: bytes, request: Request, measure: Mapping[str, Any] | Sequence[str] | None
) -> tuple[Picture, tuple[Check, ...]]:
    """Store ``data`` and return the picture with the checks of ``measure``. Raises InvalidReply for unsound bytes."""
    try:
        image = open_sound(data, where="the picture that came back")
    except InvalidInput as error:
        raise InvalidReply(f"{request.model}: {error}", model=request.model, request=request) from error
    digest = hashlib.sha256(data).hexdigest()
    format = (image.format or "PNG").lower()
    path = blobs.put(data, digest, format)
    blobs.put_thumbnail(digest, thumbnail(image))
    checks = (
        run_checks(image, measure, request=request, format=format, size_bytes=len(data)) if measure is not None else ()
    )
    picture = Picture(
        digest, format=format, width=image.width, height=image.height, size_bytes=len(data), path=str(path)
    )
    return picture, checks


def keep_film(
    blobs: Blobs, data: bytes, request: VideoRequest, measure: Mapping[str, Any] | Sequence[str] | None
) -> tuple[Film, tuple[Check, ...], tuple[Adaptation, ...]]:
    """Store a film with its poster; return it, the checks of its middle frame, and how its length differs.

    Without PyAV it is kept all the same (it is paid for): its size is not known, and checks cannot be judged. Raises
    InvalidReply for what is no whole film.
    """
    facts = None
    try:
        format = format_of(data, "the film that came back")
        facts, front = facts_of(data), poster(data)
    except MissingDependency:
        front = None
    except InvalidInput as error:
        raise InvalidReply(f"{request.model}: {error}", model=request.model, request=request) from error
    digest = hashlib.sha256(data).hexdigest()
    path = blobs.put(data, digest, format)
    if front is not None:
        blobs.put_thumbnail(digest, front)
    width, height, seconds = (facts.width, facts.height, facts.seconds) if facts is not None else (None, None, None)
    film = Film(digest, "film", format, width, height, len(data), str(path))
    return film, () if measure is None else recheck(film, request, measure), lasting(request, seconds)


def lasting(sent: VideoRequest, seconds: float | None) -> tuple[Adaptation, ...]:
    """Return how the length of the film that came differs from the one that was sent for, by a tenth or more."""
    if sent.seconds is None or seconds is None or abs(seconds - sent.seconds) < max(0.1 * sent.seconds, 0.15):
        return ()
    return (Adaptation("seconds", sent.seconds, seconds, "changed"),)


def resized(sent: Request, made: Artifact) -> tuple[Adaptation, ...]:
    """Return how the size of the picture that came differs from the one that was sent for, nothing where it does not.

    It is unfair where the shape, or by more than a quarter the area, is another one. A ratio asks for a shape alone.
    """
    asked: Size | None = getattr(sent, "size", None)
    if asked is None or not made.width or not made.height:
        return ()
    came = Size(made.width, made.height)
    fair = alike(asked, came, RATIO_SIDE)
    if asked == came or (fair and not (asked.width and asked.height)):
        return ()
    return (Adaptation("size", str(asked), str(came), "changed", unfair=not fair),)


def keep_text(blobs: Blobs, text: str, request: TextRequest) -> Artifact:
    """Store an answer in text. Raises InvalidReply where JSON was asked for and something else came."""
    if request.schema is not None:
        try:
            json.loads(text)
        except ValueError as error:
            raise InvalidReply(f"{request.model} was asked for JSON and answered: {text[:200]!r}") from error
    data = text.encode(errors="replace")
    digest, format = hashlib.sha256(data).hexdigest(), "txt" if request.schema is None else "json"
    path = blobs.put(data, digest, format)
    return Artifact(digest, kind="text", format=format, size_bytes=len(data), path=str(path), data=data)


def keep_inputs(blobs: Blobs, pictures: Sequence[Artifact]) -> None:
    """Store the pictures that a request is given, with their thumbnails."""
    for given in pictures:
        picture = open_picture(given)
        blobs.put(picture.bytes, picture.sha256, picture.format)
        if blobs.thumbnail(picture.sha256) is None:
            blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))


def recheck(picture: Picture | Film, request: Request, measure: Mapping[str, Any] | Sequence[str]) -> tuple[Check, ...]:
    """Run checks on a picture that is stored already; of a film on its middle frame, where they are about films too."""
    if isinstance(picture, Film):
        return _recheck_film(picture, request, measure)
    size_bytes = len(picture.bytes) if picture.size_bytes is None else picture.size_bytes
    return run_checks(picture.image, measure, request=request, format=picture.format, size_bytes=size_bytes)


def failed_checks(checks: tuple[Check, ...], demanded: Mapping[str, Any] | Sequence[str] | None) -> str | None:
    """Return, in words, which of the ``demanded`` checks did not pass, or None."""
    bad = [c for c in checks if c.passed is False and c.name in (demanded or ())]
    return "; ".join(f"{c.name} is {c.value}, must be {c.limit}" for c in bad) or None


def _recheck_film(film: Film, request: Request, measure: Mapping[str, Any] | Sequence[str]) -> tuple[Check, ...]:
    asked = dict(measure) if isinstance(measure, Mapping) else dict.fromkeys(measure)
    formats = asked.get("format")
    if "format" in asked and not set(FORMATS) & set([formats] if isinstance(formats, str) else formats or ()):
        del asked["format"]  # it is about the pictures of the same run
    data = film.bytes
    try:
        middle = frame_at(data, facts_of(data).seconds / 2)
    except MissingDependency as error:
        return tuple(Check(name, None, limit=error.message) for name in asked)
    return run_checks(middle, asked, request=request, format=film.format, size_bytes=len(data))
