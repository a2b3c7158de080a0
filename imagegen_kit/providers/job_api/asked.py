"""From a request to the values that a service's templates name, and what of the request no template carries."""

from __future__ import annotations

from fnmatch import fnmatchcase
from math import gcd
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.job_api_placeholders import SPREAD, names_used
from imagegen_kit.errors import Fault, UnsupportedRequest
from imagegen_kit.types import RESOLUTIONS, Adaptation, ratio_value

if TYPE_CHECKING:
    from imagegen_kit.catalog.job_api import JobApi, Submit
    from imagegen_kit.catalog.models import ModelSpec
    from imagegen_kit.types import ImageRequest, Size, VideoRequest

SINGLE = ("mask", "first_frame", "last_frame")  # pictures of a request that are no references
_SIDES = {"width", "height", "size"}


def has_pictures(request: ImageRequest | VideoRequest) -> bool:
    """Whether a request is given any picture."""
    return bool(request.references) or any(getattr(request, name, None) is not None for name in SINGLE)


def submit_form(api: JobApi, remote: str, with_pictures: bool, model: str) -> Submit:
    """Return the way to ask for a picture of the model ``remote``. Raises UnsupportedRequest where there is none."""
    for form in api.submit:
        fits = not form.models or any(fnmatchcase(remote, pattern) for pattern in form.models)
        if fits and form.references in (None, with_pictures):
            return form
    what = f"{model} has no way to be asked {'with' if with_pictures else 'without'} reference pictures."
    raise UnsupportedRequest([Fault("references", what, "Its job-API file says how it can be asked.")], model=model)


def asked_values(request: ImageRequest | VideoRequest, spec: ModelSpec) -> dict[str, Any]:
    """Return the values of the placeholders that say what is asked; None where the request leaves it to the model."""
    size = request.size
    width, height = size.pixels(spec.can.default_side) if size is not None else (None, None)
    values: dict[str, Any] = {
        "model": spec.remote_name or spec.name,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or None,
        "seed": request.seed,
        "width": width,
        "height": height,
        "size": f"{width}x{height}" if size is not None else None,
        "aspect_ratio": _ratio(size, spec) if size is not None else None,
        "resolution": _resolution(size, spec) if size is not None else None,
        "quality": request.quality,
        "seconds": _whole(getattr(request, "seconds", None)),
        "options": dict(request.options),
    }
    return values | {f"options.{name}": value for name, value in request.options.items()}


def _whole(seconds: float | None) -> float | None:
    """Return whole seconds as an int: services do not take 5.0."""
    return int(seconds) if seconds is not None and seconds == int(seconds) else seconds


def _ratio(size: Size, spec: ModelSpec) -> str | None:
    if size.ratio is not None or not (size.width and size.height):
        return size.ratio
    aspect = size.width / size.height
    if spec.can.ratios:
        return min(spec.can.ratios, key=lambda ratio: max(ratio_value(ratio) / aspect, aspect / ratio_value(ratio)))
    part = gcd(size.width, size.height)
    return f"{size.width // part}:{size.height // part}"


def _resolution(size: Size, spec: ModelSpec) -> str | None:
    if size.resolution is not None or not (size.width and size.height) or not spec.can.resolutions:
        return size.resolution
    side = (size.width * size.height) ** 0.5
    return min(spec.can.resolutions, key=lambda word: abs(RESOLUTIONS[word] - side))


def not_carried(request: ImageRequest | VideoRequest, form: Submit, values: dict[str, Any]) -> tuple[Adaptation, ...]:
    """Return what of ``request`` the template does not send, so that nothing is lost in silence.

    Raises UnsupportedRequest for what would make another picture than the one asked for: pictures, masks, options.
    """
    used = names_used([form.url, form.json, form.multipart])
    lost = [
        Adaptation(name, getattr(request, name), None, "dropped")
        for name in ("negative_prompt", "seed", "quality", "seconds")
        if getattr(request, name, None) not in (None, "") and name not in used
    ]
    if request.size is not None and not _SIDES & used:
        if not {"aspect_ratio", "resolution"} & used:
            lost.append(Adaptation("size", str(request.size), None, "dropped"))
        elif request.size.width:  # exact pixels were asked for, and only their shape can be said
            words = [values[name] for name in ("aspect_ratio", "resolution") if name in used and values[name]]
            lost.append(Adaptation("size", str(request.size), " ".join(words), "changed"))
    room = _pictures_in(used)
    if len(request.references) > room > 0:
        lost.append(Adaptation("references", len(request.references), room, "clamped"))
    _refuse(request, room, used)
    return tuple(lost)


def _pictures_in(used: set[str]) -> int:
    """Return how many reference pictures a template has room for."""
    kinds = [name.partition(".")[0] for name in used if name.startswith("reference")]
    if "references" in kinds:
        return 1000
    return max((int(kind.removeprefix("reference") or 1) for kind in kinds), default=0)


def _refuse(request: ImageRequest | VideoRequest, room: int, used: set[str]) -> None:
    faults = []
    if request.references and not room:
        faults.append(Fault("references", f"({len(request.references)} given) cannot be sent to {request.model}."))
    for name in SINGLE:
        if getattr(request, name, None) is not None and not any(one.startswith(f"{name}.") for one in used):
            faults.append(Fault(name, f"cannot be sent to {request.model}."))
    for name in request.options:
        if "options" not in used and f"options.{name}" not in used:
            faults.append(Fault(name, f"cannot be sent to {request.model}.", f'Its job-API file has no "{SPREAD}".'))
    if faults:
        raise UnsupportedRequest(faults, model=request.model)
