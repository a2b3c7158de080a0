"""From what was asked to what can honestly be sent to a model, with every difference written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from imagegen_kit.capabilities.model import FORMATS
from imagegen_kit.capabilities.sizes import alike, fit_size
from imagegen_kit.types import Adaptation, ImageRequest, Request, TextRequest, Unsupported, VideoRequest

if TYPE_CHECKING:
    from imagegen_kit.capabilities.model import Capabilities
    from imagegen_kit.types import Reference


@dataclass(frozen=True, slots=True)
class Fitted:
    """The request as it will be sent, and every difference from what was asked."""

    sent: Request
    adaptations: tuple[Adaptation, ...] = ()


def fit(request: Request, can: Capabilities) -> Fitted | tuple[Unsupported, ...]:
    """Return what can be sent of ``request`` to a model that ``can`` do this much, or everything that it cannot do.

    A lost seed, quality, size or surplus reference is an adaptation; a lost mask, all references lost, an unknown
    option or a prompt that is too long would make another picture than the one asked for, so they are Unsupported.
    """
    changed: dict[str, Any] = {}
    notes: list[Adaptation] = []
    cannot: list[Unsupported] = []
    _fit_options(request, can, changed, notes, cannot)
    _fit_references(request, can, changed, notes, cannot)
    if request.seed is not None:
        if can.seed:  # repeats of one seed must differ, and be the same numbers for every model
            if request.sample:
                changed["seed"] = request.seed + request.sample
        else:
            changed["seed"] = None
            notes.append(Adaptation("seed", request.seed + request.sample, None, "dropped"))
    if isinstance(request, TextRequest):
        if request.schema is not None and not can.schema:
            cannot.append(Unsupported("schema", "given", "this model answers in free text only"))
    else:
        _fit_picture(request, can, changed, notes, cannot)
    length = len(changed.get("prompt", request.prompt))  # with what to avoid folded in
    if can.max_prompt_chars is not None and length > can.max_prompt_chars:
        cannot.append(Unsupported("prompt", f"of {length} characters", f"at most {can.max_prompt_chars} characters"))
    if cannot:
        return tuple(cannot)
    return Fitted(replace(request, **changed) if changed else request, tuple(notes))


def _fit_options(
    request: Request, can: Capabilities, changed: dict[str, Any], notes: list[Adaptation], cannot: list[Unsupported]
) -> None:
    for name, value in request.options.items():
        if name == "output_format" and request.kind == "image":
            _fit_format(request, can, changed, notes, cannot)
        elif name not in can.options:
            cannot.append(Unsupported(name, "is not an option of this model", _options_in_words(name, can)))
        elif name in can.choices and str(value) not in can.choices[name]:
            cannot.append(Unsupported(name, f"{value!r} is not known", "choose " + ", ".join(can.choices[name])))


def _options_in_words(asked: str, can: Capabilities) -> str:
    near = get_close_matches(asked, can.options, n=1, cutoff=0.5)
    if near:
        return f"it has {near[0]!r}, which is near"
    return f"it has {', '.join(sorted(can.options))}" if can.options else "it takes no options"


def _fit_format(
    request: Request, can: Capabilities, changed: dict[str, Any], notes: list[Adaptation], cannot: list[Unsupported]
) -> None:
    """Send ``output_format`` only where the model lets one choose; another file format shows the same picture."""
    asked = request.options["output_format"]
    if asked not in FORMATS:
        cannot.append(Unsupported("output_format", f"{asked!r} is not known", "choose " + ", ".join(FORMATS)))
    elif asked not in can.formats or len(can.formats) == 1:
        changed["options"] = {name: value for name, value in request.options.items() if name != "output_format"}
        if asked not in can.formats:
            notes.append(Adaptation("output_format", asked, can.formats[0], "changed", unfair=False))


def _fit_references(
    request: Request, can: Capabilities, changed: dict[str, Any], notes: list[Adaptation], cannot: list[Unsupported]
) -> None:
    count = len(request.references)
    if count < can.min_references:
        what = "a reference picture" if can.min_references == 1 else f"{can.min_references} reference pictures"
        cannot.append(Unsupported("references", f"({count} given)", f"this model needs {what}"))
    elif count and not can.references:
        cannot.append(Unsupported("references", f"({count} given)", "this model takes no reference pictures"))
    elif count > can.references:
        changed["references"] = best_references(request.references, can.references)
        notes.append(Adaptation("references", count, can.references, "clamped"))


def best_references(references: tuple[Reference, ...], most: int) -> tuple[Reference, ...]:
    """Return ``most`` references in their order: those given by hand first, then the retrieved ones that score best."""
    kept = sorted(range(len(references)), key=lambda i: (references[i].score is not None, -(references[i].score or 0)))
    return tuple(references[i] for i in sorted(kept[:most]))


def _fit_picture(
    request: ImageRequest | VideoRequest,
    can: Capabilities,
    changed: dict[str, Any],
    notes: list[Adaptation],
    cannot: list[Unsupported],
) -> None:
    if request.negative_prompt and not can.negative_prompt:
        changed["negative_prompt"] = None
        changed["prompt"] = f"{request.prompt}\nAvoid: {request.negative_prompt}"
        notes.append(Adaptation("negative_prompt", request.negative_prompt, None, "folded", unfair=False))
    if request.quality is not None and request.quality not in can.qualities:
        changed["quality"] = None
        notes.append(Adaptation("quality", request.quality, None, "dropped"))
    if isinstance(request, ImageRequest):
        if request.mask is not None and not can.mask:
            cannot.append(Unsupported("mask", "given", "this model takes no mask"))
    else:
        for name in ("first_frame", "last_frame"):
            if getattr(request, name) is not None and not getattr(can, name):
                cannot.append(Unsupported(name, "given", f"this model takes no {name.replace('_', ' ')}"))
        if request.last_frame is not None and request.first_frame is None:
            cannot.append(Unsupported("last_frame", "given without a first_frame", "give both, or the first one"))
        if request.seconds is not None and (length := _fit_seconds(request, can)) != request.seconds:
            changed["seconds"] = length
            notes.append(Adaptation("seconds", request.seconds, length, "clamped"))
    if request.size is not None:
        size = fit_size(request.size, can)
        if not str(size):  # only a resolution was asked, and the model takes only ratios
            changed["size"] = None
            notes.append(Adaptation("size", str(request.size), None, "dropped"))
        elif size != request.size:
            changed["size"] = size
            unfair = not alike(request.size, size, can.default_side)
            notes.append(Adaptation("size", str(request.size), str(size), "changed", unfair=unfair))


def _fit_seconds(request: VideoRequest, can: Capabilities) -> float:
    """Return the nearest length that the model makes to the one that is asked; of two equally near the longer."""
    asked = request.seconds or 0.0
    most = can.max_seconds
    if request.last_frame is not None and can.max_seconds_to_last is not None:
        most = can.max_seconds_to_last
    allowed = [s for s in can.durations if most is None or s <= most]
    if allowed:
        return min(allowed, key=lambda s: (abs(s - asked), -s))
    longest = asked if most is None else min(asked, most)
    return longest if can.min_seconds is None else max(longest, can.min_seconds)
