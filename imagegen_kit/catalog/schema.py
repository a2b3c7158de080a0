"""The form of a catalogue file, as a pydantic model made from the dataclasses, so that no field can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.types import Kind

if TYPE_CHECKING:
    from pydantic import BaseModel

_NAMES = {"Mapping": Mapping, "Price": Price, "date": date, "Kind": Kind}  # what the dataclasses import for typing only
# the ways in which providers reach their models: those of models/*.yaml, and "chat" for servers of one's own
_Api = Literal["chat", "generate_content", "images", "interactions", "job", "predict_long_running", "responses"]
_RATES = r"^(input_text|input_image|cached_text|cached_image|output_text|output_image|output_video)$"


@cache
def catalogue() -> type[BaseModel]:
    """Return the form of a file of ``models`` and ``prices``, each by ``provider/name``."""
    from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

    positive, natural = Annotated[float, Field(gt=0)], Annotated[int, Field(ge=0)]
    side, usd = Annotated[int, Field(ge=1, le=16384)], Annotated[float, Field(ge=0)]
    size: Any = tuple[side, side]  # type: ignore[valid-type]  # pydantic reads it, not mypy
    text, day = Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    ratio = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")]
    model_id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")]
    table = Annotated[dict[text, usd], Field(min_length=1)]  # type: ignore[valid-type]  # as above
    by_size: Any = Annotated[
        Annotated[usd, Tag("[number]")] | Annotated[table, Tag("[table]")],
        Discriminator(lambda value: "[table]" if isinstance(value, dict) else "[number]"),
    ]
    config = ConfigDict(extra="forbid", strict=True)

    def schema(of: type, required: tuple[str, ...], more: Mapping[str, Any], **narrower: Any) -> Any:
        assert is_dataclass(of)
        hints = get_type_hints(of, localns=_NAMES) | narrower
        parts: dict[str, Any] = {}
        for name in [*(f.name for f in fields(of) if hints[f.name] is not None), *more]:
            default = ... if name in required else None  # only what is given is used, so the default never shows
            kind = more.get(name, hints.get(name))
            parts[f"{name}_"] = (kind, Field(default, alias=name))  # "schema" is a method of pydantic's models
        return create_model(of.__name__, __config__=config, **parts)

    can = schema(
        Capabilities,
        (),
        {},
        sizes=tuple[size, ...],
        ratios=tuple[ratio, ...],
        max_side=side | None,
        multiple_of=side,
        min_pixels=natural | None,
        max_pixels=natural | None,
        max_aspect=positive | None,
        default_side=side,
        references=natural,
        min_references=natural,
        n_per_call=side,
        keyframes=Literal["single", "paired"] | None,
        durations=tuple[positive, ...],  # type: ignore[valid-type]  # as above
        min_seconds=positive | None,
        max_seconds=positive | None,
        max_seconds_to_last=positive | None,
    )
    money = {
        "per_picture": by_size,
        "per_second": by_size,
        "per_megapixel": tuple[usd, usd],  # type: ignore[valid-type]  # as above
        "per_mtok": dict[Annotated[str, Field(pattern=_RATES)], usd],  # type: ignore[valid-type]  # as above
        "output_tokens": by_size,
        "input_image_tokens": natural,
        "usual_seconds": positive,
        "as_of": day,
        "source": text,
        "book": None,  # the file itself
    }
    model = schema(
        ModelSpec,
        ("as_of", "source"),
        {"like": model_id},
        name=None,  # the key of the entry
        api=_Api,
        can=can,
        price=schema(Price, (), {}, **money) | None,
        timeout_s=positive,
        typical_seconds=positive | None,
        concurrency=side | None,
        as_of=day,
        source=text,
    )
    price = schema(Price, ("as_of", "source"), {}, **money)
    return create_model(
        "Catalogue",
        __config__=config,
        models=(dict[model_id, model], None),  # type: ignore[valid-type]  # as above
        prices=(dict[model_id, price], None),  # type: ignore[valid-type]  # as above
    )
