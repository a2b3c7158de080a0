"""Documents checked against pydantic models, with every fault named by file, line and key."""

from __future__ import annotations

import json
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from imagegen_kit.catalog.yaml import Document

M = TypeVar("M", bound="BaseModel")


def validate(document: Document, model: type[M]) -> M:
    """Return ``document`` as an instance of the pydantic ``model``.

    The data is checked as JSON, so that strict models still read lists as tuples and ISO texts as dates. Raises
    InvalidInput with one Fault for each problem; a key that the model does not have comes with the nearest that it has.
    """
    from pydantic import ValidationError

    if not isinstance(document.data, dict):
        given = "nothing" if document.data is None else f"a {type(document.data).__name__}"
        raise InvalidInput([document.fault((), f"holds {given}.", f"Keys that may stand here: {_listed(model)}.")])
    try:
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        at = [e["loc"] for e in errors]
        faults = [
            fault
            for e in errors  # a list is also "too short" when all that it held was refused
            if e["type"] != "too_short" or not any(loc != e["loc"] and loc[: len(e["loc"])] == e["loc"] for loc in at)
            for fault in _faults(document, model, e)
        ]
        raise InvalidInput(faults) from error


def _faults(document: Document, model: type[BaseModel], error: Any) -> list[Fault]:
    loc = tuple(part for part in error["loc"] if not str(part).startswith("["))  # "[key]", or a tag of a union
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        near = unknown_name_fault("key", loc[-1], _keys_at(model, loc[:-1]), where=document.at(*loc))
        return [Fault(near.where, f"{loc[-1]!r} is not a key here.", near.hint)]
    if kind == "missing":
        return [document.fault(loc, "is missing.")]
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, InvalidInput):  # a validator that built one of our own values
        return [document.fault(loc, f.what, f.hint) for f in cause.faults]
    what = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    shown = repr(value) if not isinstance(value, (dict, list)) else f"a {type(value).__name__}"
    return [
        document.fault(
            loc, f"{what}." if isinstance(cause, ValueError | AssertionError) else f"{what}, not {shown[:80]}."
        )
    ]


def _keys_at(model: type[BaseModel], loc: Iterable[str | int]) -> set[str]:
    """Return the keys that the model allows at ``loc``."""
    types = _models(model)
    for part in loc:
        down: list[Any] = []
        for one in types:
            if _is_model(one):
                field = _fields(one).get(str(part))
                down += _models(field.annotation) if field else []
            else:  # dict[str, X], list[X], tuple[X, ...]
                down += [found for argument in get_args(one) for found in _models(argument)]
        types = down or types  # a part that leads nowhere is the name of a union's branch
    return {key for one in types if _is_model(one) for key in _fields(one)}


def _models(annotation: Any) -> list[Any]:
    """Return the models and containers that an annotation may be, looking through unions and Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [found for argument in get_args(annotation) for found in _models(argument)]
    return [annotation] if _is_model(annotation) or origin else []


def _is_model(value: Any) -> bool:
    return hasattr(value, "model_fields") and isinstance(value, type)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _listed(model: type[BaseModel]) -> str:
    return ", ".join(_fields(model))
