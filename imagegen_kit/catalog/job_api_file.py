"""Reads the file of one job API: its form against a schema made from the dataclasses, then its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from imagegen_kit.catalog.entries import _read
from imagegen_kit.catalog.job_api import JobApi
from imagegen_kit.catalog.job_api_check import job_api_faults
from imagegen_kit.catalog.job_api_paths import as_text
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.validation import validate
from imagegen_kit.catalog.yaml import Document
from imagegen_kit.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import BaseModel

_NAMES = {"Mapping": Mapping, "ModelSpec": ModelSpec}  # what the dataclasses import for typing only


def read_job_api(document: Document) -> JobApi:
    """Return the service that ``document`` describes. Raises InvalidInput with every fault."""
    document = Document(_listed(document.data, JobApi), document.name, document.lines)
    given = validate(document, _schema(JobApi)).model_dump(by_alias=True, exclude_unset=True)
    models = given.pop("models", {})
    api: JobApi = _built(JobApi, given)
    faults = job_api_faults(api, document)
    specs: tuple[ModelSpec, ...] = ()
    try:
        specs = read_models(document, api.name) if models else ()
    except InvalidInput as error:
        faults += list(error.faults)
    for spec in specs:
        if (spec.kind == "text") is not (api.output.kind == "text"):
            what = f"{spec.name} makes {spec.kind}, and output.kind is {api.output.kind!r}."
            faults.append(document.fault(("output", "kind"), what, "kind: text belongs to both, or to neither."))
    if faults:
        raise InvalidInput(faults)
    return _built(JobApi, {**given, "models": specs})  # type: ignore[no-any-return]  # it is a JobApi


def _listed(data: Any, of: type | None) -> Any:
    """Return ``data`` with single values where a list may stand made lists, and statuses made text."""
    if isinstance(data, list):
        return [_listed(item, of) for item in data]
    if not isinstance(data, dict) or of is None:
        return data
    hints = _hints(of)
    return {
        key: value if key == "models" and of is JobApi else _item(value, hints.get(key)) for key, value in data.items()
    }


def _item(value: Any, hint: Any) -> Any:
    inner = _part(hint)
    if get_origin(hint) is tuple:
        value = value if isinstance(value, list) else [value]
        if get_args(hint)[0] is str:
            return [as_text(one) if isinstance(one, (bool, int)) else one for one in value]
    return _listed(value, inner)


def _built(of: type, given: Mapping[str, Any]) -> Any:
    """Return the dataclass ``of`` with what is given, its parts being dataclasses again."""
    values = {}
    for name, hint in _hints(of).items():
        if name not in given:
            continue
        value = given[name]
        part = _part(hint)
        if part is not None and value is not None:
            value = (
                tuple(_built(part, one) for one in value) if isinstance(value, (tuple, list)) else _built(part, value)
            )
        values[name] = value
    return of(**values)


def _part(hint: Any) -> type | None:
    """Return the dataclass of the file's form that a type hint speaks of, None where it speaks of none."""
    found = [one for one in (hint, *get_args(hint)) if isinstance(one, type) and is_dataclass(one)]
    return found[0] if found and found[0] is not ModelSpec else None


@cache
def _hints(of: type) -> dict[str, Any]:
    return get_type_hints(of, localns=_NAMES)


@cache
def _schema(of: type) -> type[BaseModel]:
    """Return the pydantic model of a dataclass, so that no key can be forgotten."""
    from pydantic import ConfigDict, Field, create_model

    text = Annotated[str, Field(min_length=1)]
    narrower: dict[str, Any] = {
        "name": Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")],
        "as_of": Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")],
        "source": text,
        "method": Literal["GET", "POST", "PUT", "DELETE"],
        "kind": Literal["auto", "url", "b64", "data_uri", "ref", "bytes", "text"],
        "every": Annotated[float, Field(gt=0, le=600)],
        "deadline": Annotated[float, Field(gt=0, le=86400)],
        "lives_s": Annotated[float, Field(gt=0)],
        "pending_http": tuple[Annotated[int, Field(ge=200, le=599)], ...],
        "usd": Annotated[float, Field(gt=0)],
        "headers": dict[str, text],
        "models": tuple[str, ...] if of is not JobApi else dict[str, Any],
    }
    parts: dict[str, Any] = {}
    for part in fields(of):
        hint = narrower.get(part.name) or _model_of(_hints(of)[part.name])
        needed = part.default is MISSING and part.default_factory is MISSING
        parts[f"{part.name}_"] = (hint, Field(... if needed else None, alias=part.name))  # "json" is pydantic's own
    model: type[BaseModel] = create_model(of.__name__, __config__=ConfigDict(extra="forbid", strict=True), **parts)
    return model


def _model_of(hint: Any) -> Any:
    """Return a type hint with pydantic models instead of dataclasses."""
    if isinstance(hint, type) and is_dataclass(hint):
        return _schema(hint)
    arguments = tuple(_model_of(one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return tuple[arguments]  # type: ignore[valid-type]  # pydantic reads it, not mypy
    if get_origin(hint) is UnionType:
        found = arguments[0]
        for one in arguments[1:]:
            found |= one
        return found
    return dict[str, Any] if get_origin(hint) is Mapping else hint


def read_models(document: Document, provider: str) -> tuple[ModelSpec, ...]:
    """Return the file's own models; they have the form of the model catalogue's entries."""
    entries = Document({"models": document.data["models"]}, document.name, document.lines)
    found = _read(entries, {})
    if set(found) - {provider}:
        names = sorted(f"{name}/…" for name in set(found) - {provider})
        what = f"holds models of another provider: {', '.join(names)}."
        raise InvalidInput([document.fault(("models",), what, f'Write "{provider}/name".')])
    return tuple(found[provider].values())
