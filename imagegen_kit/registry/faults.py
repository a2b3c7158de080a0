"""What is wrong with a spec or a set of capabilities; empty lists mean that they can be used."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any, get_args

from imagegen_kit.capabilities import Capabilities
from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.errors import Fault, unknown_name_fault
from imagegen_kit.hookspecs import READABLE, Measure, ProviderSpec, RetrieverSpec, ScorerSpec, Spec
from imagegen_kit.types import Kind, Style

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NUMBERS = ("min_seconds", "max_seconds", "max_seconds_to_last", "max_aspect")
_AT_LEAST_ONE = ("multiple_of", "default_side", "n_per_call", "max_side", "max_prompt_chars")
RESERVED = ("judge",)  # scorers' columns that are written by something else
_DEFAULTS: dict[str, Any] = {f.name: getattr(Capabilities(), f.name) for f in fields(Capabilities)}


def name_faults(where: str, name: object) -> list[Fault]:
    """Return what is wrong with a name of a provider, model, retriever or scorer."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return []
    return [Fault(where, f"{str(name)[:60]!r} is not a name.", "Use lower-case letters, digits, '.', '_' and '-'.")]


def spec_faults(spec: Spec) -> list[Fault]:
    """Return everything wrong with a spec; a ``Style`` has checked itself when it was built."""
    if isinstance(spec, Style):
        return []
    where = type(spec).__name__
    faults = name_faults(f"{where}.name", spec.name)
    if isinstance(spec.target, str):
        if not re.fullmatch(r"[\w.]+:[\w.]+", spec.target):
            faults.append(Fault(f"{where}.target", f"{spec.target!r} is no target.", 'Write "package.module:Class".'))
    elif not callable(spec.target):
        faults.append(Fault(f"{where}.target", "is neither a dotted name nor a class."))
    if not isinstance(spec.install, str):
        faults.append(Fault(f"{where}.install", "is not a command line."))
    if isinstance(spec, ProviderSpec):
        faults += _provider_faults(spec)
    elif isinstance(spec, RetrieverSpec) and spec.kind not in ("retriever", "embedder"):
        faults.append(Fault(f"{where}.kind", f"{spec.kind!r} is not 'retriever' or 'embedder'."))
    elif isinstance(spec, ScorerSpec):
        faults += _scorer_faults(spec)
    return faults


def _scorer_faults(spec: ScorerSpec) -> list[Fault]:
    faults: list[Fault] = []
    if spec.name in RESERVED:
        what = f"{spec.name!r} is the name of run.judge's own numbers."
        faults.append(Fault("ScorerSpec.name", what, "Choose another one."))
    if spec.scope not in ("picture", "set"):
        faults.append(Fault("ScorerSpec.scope", f"{spec.scope!r} is not 'picture' or 'set'."))
    if isinstance(spec.reads, str) or not set(spec.reads) <= set(READABLE):
        faults.append(Fault("ScorerSpec.reads", f"{spec.reads!r} is not a tuple of {', '.join(READABLE)}."))
    if isinstance(spec.across, str):
        faults.append(Fault("ScorerSpec.across", f"{spec.across!r} is not a tuple of parameters' names."))
    if not (spec.version is None or (isinstance(spec.version, str) and spec.version)):
        faults.append(Fault("ScorerSpec.version", f"{spec.version!r} is neither text nor None."))
    if not isinstance(spec.measures, (tuple, list)) or not all(isinstance(m, Measure) for m in spec.measures):
        return [*faults, Fault("ScorerSpec.measures", "is not a tuple of Measure.")]
    names = [m.name for m in spec.measures]
    faults += [fault for name in names if name for fault in name_faults("Measure.name", name)]
    faults += [
        Fault("ScorerSpec.measures", f"names {n!r} twice.") for n in sorted({n for n in names if names.count(n) > 1})
    ]
    for name, measure in spec.columns.items():
        if measure.better not in ("higher", "lower", ""):
            faults.append(Fault(f"{name} better", f"{measure.better!r} is not 'higher', 'lower' or ''."))
        limits = [limit for limit in (measure.low, measure.high) if limit is not None]
        if not all(type(limit) in (int, float) and math.isfinite(limit) for limit in limits):
            faults.append(Fault(f"{name} range", "low and high are numbers or None."))
        elif len(limits) == 2 and limits[0] > limits[1]:
            faults.append(Fault(f"{name} range", f"low is {limits[0]:g} and high {limits[1]:g}.", "Turn them round."))
    return faults


def column_faults(spec: ScorerSpec, others: Iterable[ScorerSpec]) -> list[Fault]:
    """Return the columns of ``spec`` that another scorer of ``others`` writes: a table can hold one of the two."""
    taken = {column: other.name for other in others if other.name != spec.name for column in other.columns}
    return [
        Fault("scorer", f"score_{column} is a column of the scorer {taken[column]!r}.", "Choose another name.")
        for column in spec.columns
        if column in taken
    ]


def _provider_faults(spec: ProviderSpec) -> list[Fault]:
    faults: list[Fault] = []
    if not isinstance(spec.models, (tuple, list)) or not spec.models:
        return [Fault("ProviderSpec.models", "names no models.", "Give a tuple of ModelSpec.")]
    if isinstance(spec.key_env, str) or not all(isinstance(k, str) for k in spec.key_env):
        faults.append(Fault("ProviderSpec.key_env", "is not a tuple of environment variables."))
    if not (spec.output_version is None or isinstance(spec.output_version, str)) or spec.output_version == "":
        faults.append(Fault("ProviderSpec.output_version", f"{spec.output_version!r} is neither text nor None."))
    if not isinstance(spec.origin, str):
        faults.append(Fault("ProviderSpec.origin", "is not text."))
    seen: set[str] = set()
    for model in spec.models:
        if not isinstance(model, ModelSpec):
            faults.append(Fault("ProviderSpec.models", f"holds a {type(model).__name__}, not a ModelSpec."))
            continue
        if model.name in seen:
            faults.append(Fault("ProviderSpec.models", f"names {model.name!r} twice."))
        seen.add(model.name)
        faults += model_faults(model)
    return faults


def model_faults(model: ModelSpec) -> list[Fault]:
    """Return everything wrong with one model."""
    faults = name_faults("ModelSpec.name", model.name)
    where = f"model {str(model.name)[:40]!r}"
    if model.kind not in get_args(Kind):
        faults.append(Fault(where, f"kind {model.kind!r} is not one of {', '.join(get_args(Kind))}."))
    if isinstance(model.aliases, str):
        faults.append(Fault(where, "aliases is not a tuple of names."))
    else:
        for alias in model.aliases:
            faults += name_faults(f"{where} aliases", alias)
    price = model.price
    if price is not None and (not isinstance(price, Price) or not all(map(_amount, price.amounts()))):
        faults.append(Fault(where, "price is not a Price of zero or more USD.", "Leave it None where it is unknown."))
    retires = model.retires_on
    if retires is not None and (not isinstance(retires, date) or isinstance(retires, datetime)):
        faults.append(Fault(where, f"retires_on {retires!r} is not a datetime.date."))
    if not _amount(model.timeout_s) or not model.timeout_s:
        faults.append(Fault(where, f"timeout_s {model.timeout_s!r} is not a number of seconds above zero."))
    if not isinstance(model.can, Capabilities):
        faults.append(Fault(where, f"can is a {type(model.can).__name__}, not Capabilities."))
    else:
        faults += capability_faults({f: getattr(model.can, f) for f in _DEFAULTS}, where)
    return faults


def _amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def capability_faults(values: Mapping[str, Any], where: str = "") -> list[Fault]:
    """Return what is wrong with capability keywords: unknown names (the nearest is suggested) and wrong types."""
    faults: list[Fault] = []
    for name, value in values.items():
        place = f"{where} {name}".strip()
        if name not in _DEFAULTS:
            faults.append(unknown_name_fault("capability", name, _DEFAULTS, where=place))
            continue
        wanted = _wanted(name, value)
        if wanted:
            faults.append(Fault(place, f"{str(value)[:60]!r} is not {wanted}."))
    return faults


def _wanted(name: str, value: object) -> str:
    """Return what ``value`` should have been, or nothing where it is right; the field's default tells the type."""
    default = _DEFAULTS[name]
    least = 1 if name in _AT_LEAST_ONE else 0
    listed = value if isinstance(value, (tuple, list)) else None
    if isinstance(default, bool):
        right, wanted = isinstance(value, bool), "True or False"
    elif name == "sizes":
        right, wanted = listed is not None and all(map(_is_size, listed)), "a tuple of (width, height)"
    elif name == "durations":
        right, wanted = listed is not None and all(map(_amount, listed)), "a tuple of seconds"
    elif name == "keyframes":
        right, wanted = value in (None, "single", "paired"), "single or paired"
    elif isinstance(default, tuple):
        right, wanted = listed is not None and all(isinstance(v, str) for v in listed), "a tuple of texts"
    elif isinstance(default, Mapping):
        right, wanted = isinstance(value, Mapping), "a mapping of option names to what they do"
    elif name in _NUMBERS:
        right, wanted = value is None or _amount(value), "a number above zero"
    else:
        right = type(value) is int and value >= least
        wanted = f"a whole number from {least}"
        right = right or (value is None and default is None)
    return "" if right else wanted


def _is_size(item: object) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2 and all(type(side) is int and side > 0 for side in item)


def capabilities_from(values: Mapping[str, Any]) -> Capabilities:
    """Build Capabilities from faultless keywords; lists become tuples, so that the result is immutable."""
    frozen: dict[str, Any] = {
        name: tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if isinstance(value, (list, tuple))
        else value
        for name, value in values.items()
    }
    return Capabilities(**frozen)
