"""Turn a reply into a stored picture or text: checked, hashed, thumbnailed and on disk. Runs in threads."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.capabilities.sizes import alike
from imagegen_kit.checks import run_checks
from imagegen_kit.errors import InvalidInput, InvalidReply
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.types import Adaptation, Artifact, Size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagegen_kit.store import Blobs
    from imagegen_kit.types import Check, Request, TextRequest

RATIO_SIDE = 1024  # pixels that a size in words is reckoned with; where only a ratio was asked the area plays no part


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


def recheck(picture: Picture, request: Request, measure: Mapping[str, Any] | Sequence[str]) -> tuple[Check, ...]:
    """Run checks on a picture that is stored already."""
    size_bytes = len(picture.bytes) if picture.size_bytes is None else picture.size_bytes
    return run_checks(picture.image, measure, request=request, format=picture.format, size_bytes=size_bytes)


def failed_checks(checks: tuple[Check, ...], demanded: Mapping[str, Any] | Sequence[str] | None) -> str | None:
    """Return, in words, which of the ``demanded`` checks did not pass, or None."""
    bad = [c for c in checks if c.passed is False and c.name in (demanded or ())]
    return "; ".join(f"{c.name} is {c.value}, must be {c.limit}" for c in bad) or None
