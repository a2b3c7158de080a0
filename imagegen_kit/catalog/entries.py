"""The model catalogue: ``models.yaml`` (and the user's own file in the same form) as ``ModelSpec``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.catalog.validation import validate
from imagegen_kit.catalog.yaml import Document, load_yaml
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.types import Kind

if TYPE_CHECKING:
    from pydantic import BaseModel

SHIPPED = Path(__file__).with_name("models.yaml")
_NAMES = {"Mapping": Mapping, "Price": Price, "date": date, "Kind": Kind}  # what the dataclasses import for typing only


def load_models(provider: str, user_file: Path | str | None = None) -> tuple[ModelSpec, ...]:
    """Return the catalogue's models of ``provider``, in the order of the file.

    ``user_file`` is a YAML file of the same form: an entry of a known name changes only the keys that it gives, an
    entry of a new name adds a model. Raises InvalidInput with file and line for whatever is wrong in either file.
    """
    found = dict(_shipped().get(provider, {}))
    if user_file is not None:
        document = load_yaml(Path(user_file))
        found.update(_read(document, _shipped()).get(provider, {}))
    return tuple(found.values())


@cache
def _shipped() -> dict[str, dict[str, ModelSpec]]:
    return _read(load_yaml(SHIPPED, where=SHIPPED.name), {})


def _read(document: Document, base: Mapping[str, Mapping[str, ModelSpec]]) -> dict[str, dict[str, ModelSpec]]:
    entries: dict[str, dict[str, Any]] = validate(document, _schema()).model_dump(by_alias=True, exclude_unset=True)[
        "models"
    ]
    faults: list[Fault] = []
    read: dict[str, dict[str, ModelSpec]] = {}
    owners = {name: name for name in entries}
    for full, entry in entries.items():
        provider, _, name = full.partition("/")
        for alias in entry.get("aliases", ()):
            if owners.setdefault(alias, full) != full:
                what = f"{alias!r} already names {owners[alias]}."
                faults.append(document.fault(("models", full, "aliases"), what, "Choose another alias."))
        old = base.get(provider, {}).get(name)
        read.setdefault(provider, {})[name] = _spec(entry, old or ModelSpec(name))
    if faults:
        raise InvalidInput(faults)
    return read


def _spec(entry: dict[str, Any], old: ModelSpec) -> ModelSpec:
    given = dict(entry)
    if "can" in given:
        given["can"] = replace(old.can, **given["can"])
    if given.get("price") is not None:  # a price is as old, and from where, its entry is, unless it says otherwise
        given["price"] = Price(**{"as_of": given["as_of"], "source": given["source"], **given["price"]})
    return replace(old, **given)


@cache
def _schema() -> type[BaseModel]:
    """Return the pydantic model of a catalogue file, made from the dataclasses so that no field can be forgotten."""
    from pydantic import ConfigDict, Field, create_model

    positive, natural = Annotated[float, Field(gt=0)], Annotated[int, Field(ge=0)]
    side, usd = Annotated[int, Field(ge=1, le=16384)], Annotated[float, Field(ge=0)]
    size: Any = tuple[side, side]  # type: ignore[valid-type]  # pydantic reads it, not mypy
    text, day = Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    ratio = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")]
    model_id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")]
    config = ConfigDict(extra="forbid", strict=True)

    def schema(of: type, required: tuple[str, ...], **narrower: Any) -> Any:
        assert is_dataclass(of)
        hints = get_type_hints(of, localns=_NAMES) | narrower
        parts: dict[str, Any] = {}
        for name in (f.name for f in fields(of) if hints[f.name] is not None):
            default = ... if name in required else None  # only what is given is used, so the default never shows
            parts[f"{name}_"] = (hints[name], Field(default, alias=name))  # "schema" is a method of pydantic's models
        return create_model(of.__name__, __config__=config, **parts)

    can = schema(
        Capabilities,
        (),
        sizes=tuple[size, ...],
        ratios=tuple[ratio, ...],
        max_side=side | None,
        multiple_of=side,
        default_side=side,
        references=natural,
        n_per_call=side,
        max_seconds=positive | None,
    )
    price = schema(Price, ("per_picture",), per_picture=usd, as_of=day, source=text)
    model = schema(
        ModelSpec,
        ("as_of", "source"),
        name=None,  # the key of the entry
        can=can,
        price=price | None,
        timeout_s=positive,
        typical_seconds=positive | None,
        concurrency=side | None,
        as_of=day,
        source=text,
    )
    return create_model("Catalogue", __config__=config, models=(dict[model_id, model], ...))  # type: ignore[valid-type]
