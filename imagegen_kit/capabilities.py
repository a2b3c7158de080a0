"""What a model can do, as data; and ``fit``, which turns what was asked into what can honestly be sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import unknown_name_fault
from imagegen_kit.types import (
    EMPTY,
    RESOLUTIONS,
    Adaptation,
    ImageRequest,
    Request,
    Size,
    TextRequest,
    Unsupported,
    VideoRequest,
    ratio_value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one model accepts. An empty tuple means that any value goes; ``None`` that no limit is known.

    ``sizes`` are the only exact sizes as (width, height); ``ratios`` the only aspect ratios; ``resolutions`` the only
    resolution words; ``max_side`` and ``multiple_of`` are pixels; ``min_pixels`` and ``max_pixels`` limit width ×
    height, ``max_aspect`` the longer side divided by the shorter; ``default_side`` is the side of the square that the
    model draws when nothing is asked. ``references`` is how many reference pictures it takes. ``options`` names further
    options with one sentence each, ``choices`` the only values of an option. ``formats`` are those in which a picture
    can come, the first unasked. ``idempotent``: the service ignores a repeated request under the same key.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    max_side: int | None = None
    multiple_of: int = 1
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_aspect: float | None = None
    default_side: int = 1024
    references: int = 0
    mask: bool = False
    negative_prompt: bool = False
    seed: bool = False
    qualities: tuple[str, ...] = ()
    max_prompt_chars: int | None = None
    n_per_call: int = 1
    partials: bool = False
    formats: tuple[str, ...] = ("png",)
    first_frame: bool = False
    last_frame: bool = False
    max_seconds: float | None = None
    system: bool = True
    schema: bool = False
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    idempotent: bool = False
    resumable: bool = False


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
    _fit_options(request, can, cannot)
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


def _fit_options(request: Request, can: Capabilities, cannot: list[Unsupported]) -> None:
    for name in request.options:
        if name not in can.options:
            fault = unknown_name_fault("option", name, can.options)
            cannot.append(Unsupported(name, "is not an option of this model", fault.hint or "it takes no options"))


def _fit_references(
    request: Request, can: Capabilities, changed: dict[str, Any], notes: list[Adaptation], cannot: list[Unsupported]
) -> None:
    count = len(request.references)
    if count and not can.references:
        cannot.append(Unsupported("references", f"({count} given)", "this model takes no reference pictures"))
    elif count > can.references:
        changed["references"] = request.references[: can.references]
        notes.append(Adaptation("references", count, can.references, "clamped"))


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
        if request.seconds is not None and can.max_seconds is not None and request.seconds > can.max_seconds:
            changed["seconds"] = can.max_seconds
            notes.append(Adaptation("seconds", request.seconds, can.max_seconds, "clamped"))
    if request.size is not None:
        size = fit_size(request.size, can)
        if size != request.size:
            changed["size"] = size
            notes.append(Adaptation("size", str(request.size), str(size), "changed"))


def fit_size(asked: Size, can: Capabilities) -> Size:
    """Return the nearest size that the model makes: the nearest ratio first, then the nearest area."""
    if can.resolutions and asked.resolution and asked.resolution not in can.resolutions:
        side = RESOLUTIONS[asked.resolution]
        nearest = min(can.resolutions, key=lambda word: abs(RESOLUTIONS[word] - side))
        asked = replace(asked, resolution=nearest)
    if can.ratios and asked.aspect is not None:
        aspect = asked.aspect
        ratio = min(can.ratios, key=lambda r: max(ratio_value(r) / aspect, aspect / ratio_value(r)))
        if max(ratio_value(ratio) / aspect, aspect / ratio_value(ratio)) > 1.02:
            if asked.width and asked.height:
                side = max(asked.width, asked.height)
                factor = ratio_value(ratio)
                asked = Size(side, round(side / factor)) if factor >= 1 else Size(round(side * factor), side)
            else:
                asked = replace(asked, ratio=ratio)
    if can.sizes:
        width, height = asked.pixels(can.default_side)
        best = min(
            can.sizes,
            key=lambda s: (
                round(max(s[0] / s[1] * height / width, width / height * s[1] / s[0]), 2),
                abs(s[0] - width),
            ),
        )
        return asked if (width, height) == best else Size(*best)
    if can.max_side and not can.resolutions and max(asked.pixels(can.default_side)) > can.max_side:
        asked = Size(*asked.pixels(can.default_side))
    if asked.width and asked.height:
        width, height = asked.width, asked.height
        if can.max_side and max(width, height) > can.max_side:
            scale = can.max_side / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        if can.multiple_of > 1:
            step = can.multiple_of
            width, height = max(step, round(width / step) * step), max(step, round(height / step) * step)
        return Size(width, height)
    return asked
