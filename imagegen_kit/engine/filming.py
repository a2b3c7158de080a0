"""From clips and the arguments of ``job.animate`` to requests for films; all faults are found before any money."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.ask import MAX_SEED, ask_faults, check_values, read_size
from imagegen_kit.engine.references import read_references
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.film import Clip, Film
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.types import EMPTY, VideoRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from imagegen_kit.registry import Registry

FILM_NAMES = frozenset(
    ("model", "references", "size", "aspect_ratio", "quality", "negative_prompt", "seed", "sample", "labels")
)
MAX_SECONDS = 600  # no catalogued model makes more than 15; a mistyped length must not be paid for


def read_clips(clips: Any) -> tuple[Clip, ...]:
    """Return one clip or several as a tuple. Raises InvalidInput for anything else, and for none at all."""
    found = (clips,) if isinstance(clips, Clip) else tuple(clips) if isinstance(clips, (list, tuple)) else ()
    if not found or not all(isinstance(clip, Clip) for clip in found):
        hint = "Give what film.clips returned, or Clip(prompt, first_frame=…)."
        raise InvalidInput([Fault("clips", "these are no clips.", hint)])
    return found


def build_film_requests(
    clips: Sequence[Clip], given: Mapping[str, Any], options: Mapping[str, Any], registry: Registry, repeat: int
) -> list[VideoRequest]:
    """Return one request a clip. Raises InvalidInput with every fault of all clips and of what they share.

    A film of repeat r has the sample ``first + r``, as a picture has.
    """
    faults: list[Fault] = []
    if given.get("model") is None:
        faults.append(Fault("model", "it is missing.", "Name a model of films; see ik.models()."))
    shared = {name: value for name, value in given.items() if name != "labels"}
    faults += ask_faults(clips[0].prompt, shared, registry)
    frames: dict[int, Picture] = {}
    for number, clip in enumerate(clips):
        where = "" if len(clips) == 1 else f"clip {number + 1} "
        if number:
            faults += [replace(f, where=f"{where}{f.where}") for f in check_values("prompt", clip.prompt, registry)]
        faults += _length_faults(f"{where}seconds", clip.seconds)
        for name in ("first_frame", "last_frame"):
            faults += _read_frame(f"{where}{name}", getattr(clip, name), frames)
    first = (given.get("sample") or 0) + repeat
    seed = given.get("seed")
    if not faults and seed is not None and seed + first > MAX_SEED:
        faults.append(Fault("seed", f"{seed} + sample {first} is above {MAX_SEED:,}.", "Choose a lower seed."))
    if faults:
        raise InvalidInput(faults)
    size = None
    if "size" in given or "aspect_ratio" in given:
        size = read_size(given.get("size"), given.get("aspect_ratio"))
    common: dict[str, Any] = {
        "model": given["model"],
        "negative_prompt": given.get("negative_prompt") or None,
        "references": read_references(given.get("references")),
        "size": size,
        "quality": given.get("quality"),
        "seed": seed,
        "sample": first,
        "options": dict(options) if options else EMPTY,
    }
    return [
        VideoRequest(
            prompt=str(clip.prompt), first_frame=frames.get(id(clip.first_frame)),
            last_frame=frames.get(id(clip.last_frame)), seconds=None if clip.seconds is None else float(clip.seconds),
            labels={**dict(given.get("labels") or {}), **clip.labels} or EMPTY, **common,
        )
        for clip in clips
    ]  # fmt: skip


def _read_frame(where: str, frame: Any, known: dict[int, Picture]) -> Iterable[Fault]:
    """Read a frame into ``known``, once where neighbouring clips share it; return what is wrong with it."""
    if frame is None or id(frame) in known:
        return ()
    try:
        if isinstance(frame, Film):
            return [Fault(where, "this is a film.", "Give film.last_frame, or another picture.")]
        known[id(frame)] = open_picture(getattr(frame, "picture", frame), where=where)
    except InvalidInput as error:
        return error.faults
    return ()


def _length_faults(where: str, seconds: Any) -> list[Fault]:
    if seconds is None:
        return []
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and math.isfinite(seconds)
    if number and 0 < seconds <= MAX_SECONDS:
        return []
    return [Fault(where, f"{seconds!r} is not a number of seconds above 0, at most {MAX_SECONDS}.")]
