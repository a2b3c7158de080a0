"""Pictures that come with a request: read, freed from a plain background where they have one, and masks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.text import tokenize
from imagegen_kit.types import Artifact, Reference

WORK_SIDE = 1024  # a subject is never drawn larger than it is useful to cut it out


@dataclass(frozen=True, slots=True)
class Given:
    """A reference as RGBA. ``cut`` says that it stands free; otherwise it is a whole picture with its background."""

    picture: Image.Image
    role: str
    words: frozenset[str]
    cut: bool


def load(artifact: Artifact) -> Image.Image:
    """Return the picture of ``artifact`` as RGBA. Raises InvalidInput where its bytes cannot be found or read."""
    try:
        source = io.BytesIO(artifact.data) if artifact.data is not None else Path(artifact.path or "")
        with Image.open(source) as opened:
            return opened.convert("RGBA")
    except OSError as error:
        where = artifact.path or artifact.sha256[:12]
        fault = Fault("references", f"the picture {where} cannot be read: {error}.", "Give the file again.")
        raise InvalidInput([fault]) from error


def given(reference: Reference) -> Given:
    """Return ``reference`` ready for composing."""
    picture = load(reference.picture)
    words = frozenset(tokenize(f"{reference.name or ''} {reference.description or ''}"))
    small = picture.copy()
    small.thumbnail((WORK_SIDE, WORK_SIDE), Image.Resampling.LANCZOS)
    alpha = np.asarray(small.getchannel("A"))
    if (alpha < 128).mean() > 0.03:
        return Given(_trim(small), reference.role, words, cut=True)
    if reference.role not in ("setting", "style") and (free := cut_out(small)) is not None:
        return Given(_trim(free), reference.role, words, cut=True)
    return Given(picture, reference.role, words, cut=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """What references are for: the ``whole`` picture to begin from, or ``settings`` behind and ``actors`` before."""

    whole: Given | None
    settings: tuple[Given, ...]
    actors: tuple[Given, ...]


def parts_of(references: Sequence[Given]) -> Parts:
    """Share references out, so that each is seen: a picture with a background of its own is one to begin from.

    Where others are given as well it becomes the place in which they stand; as a later one it is a card among them.
    """
    actors = tuple(r for r in references if r.role in ("content", "character"))
    settings = tuple(r for r in references if r.role == "setting")
    first = actors[0] if actors and actors[0].role == "content" and not actors[0].cut else None
    if first is None:
        return Parts(None, settings, actors)
    if len(actors) == 1:
        return Parts(first, settings, ())
    return Parts(None, (first, *settings), actors[1:])


def _trim(picture: Image.Image) -> Image.Image:
    box = picture.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()
    return picture.crop(box) if box else picture


def cut_out(picture: Image.Image) -> Image.Image | None:
    """Return ``picture`` without its background where that is one even colour all around, else None.

    The lower edge may be covered by who stands before it, as on a portrait, but not its corners.
    """
    rgb = np.asarray(picture.convert("RGB")).astype(np.int16)
    if min(rgb.shape[:2]) < 8:
        return None
    rim = np.concatenate([rgb[0], rgb[:, 0], rgb[:, -1]])
    paper = np.median(rim, axis=0)
    near = np.abs(rgb - paper).max(axis=2) < 26
    if (np.abs(rim - paper).max(axis=1) < 26).mean() < 0.93 or not 0.05 < near.mean() < 0.97:
        return None
    flood = Image.fromarray(np.where(near, 255, 0).astype(np.uint8))
    padded = Image.new("L", (flood.width + 2, flood.height + 2), 255)
    padded.paste(flood, (1, 1))
    ImageDraw.floodfill(padded, (0, 0), 128)
    outside = np.asarray(padded)[1:-1, 1:-1] == 128
    alpha = Image.fromarray(np.where(outside, 0, 255).astype(np.uint8))
    result = picture.convert("RGB").convert("RGBA")
    result.putalpha(alpha.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.8)))
    return result


def cover(
    picture: Image.Image, width: int, height: int, zoom: float = 1.0, at: tuple[float, float] = (0.5, 0.5)
) -> Image.Image:
    """Return ``picture`` filling (width, height), cropped around ``at`` (shares of what is left over)."""
    scale = max(width / picture.width, height / picture.height) * zoom
    wide, high = width / scale, height / scale
    x, y = (picture.width - wide) * at[0], (picture.height - high) * at[1]
    return picture.resize((width, height), Image.Resampling.LANCZOS, box=(x, y, x + wide, y + high))


def mask_of(artifact: Artifact, size: tuple[int, int]) -> Image.Image:
    """Return the mask as pure black and white at ``size``: white where it is white and opaque."""
    picture = load(artifact)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.NEAREST)
    light = np.asarray(picture.convert("L")).astype(np.uint16) * np.asarray(picture.getchannel("A")) // 255
    return Image.fromarray(np.where(light >= 128, 255, 0).astype(np.uint8))
