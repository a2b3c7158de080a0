"""From a request for a picture to the fields of ``images.generate`` and ``images.edit``: nothing is sent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog import load_models
from imagegen_kit.catalog.models import ModelSpec

if TYPE_CHECKING:
    from imagegen_kit.types import ImageRequest


def model_spec(model: str) -> ModelSpec:
    """Return what the catalogue knows of ``provider/name``; a model that it does not know is reached by its name."""
    provider, _, name = model.partition("/")
    return next((spec for spec in load_models(provider) if spec.name == name), ModelSpec(name))


def remote_name(spec: ModelSpec) -> str:
    """Return what the service calls the model."""
    return spec.remote_name or spec.name


def image_fields(request: ImageRequest, spec: ModelSpec) -> dict[str, Any]:
    """Return the fields of a request for one picture, without its pictures.

    ``stream`` is among them where partial pictures are asked for. A seed or a negative prompt only gets here for a
    server whose model is declared to take one, and is then sent under that name.
    """
    fields: dict[str, Any] = {name: value for name, value in request.options.items() if value is not None}
    if "response_format" in spec.can.options:  # servers that send addresses unless told otherwise; OpenAI never does
        fields.setdefault("response_format", "b64_json")
    partials = fields.get("partial_images")
    if partials is not None:  # the catalogue lists its values as texts; 0 is a stream of the whole picture alone
        fields |= {"partial_images": int(partials) if str(partials).isdecimal() else partials, "stream": True}
    fields |= {"model": remote_name(spec), "prompt": request.prompt}
    if request.size is not None:
        width, height = request.size.pixels(spec.can.default_side)
        fields["size"] = f"{width}x{height}"
    for name in ("quality", "seed", "negative_prompt"):
        if (value := getattr(request, name)) is not None:
            fields[name] = value
    return fields
