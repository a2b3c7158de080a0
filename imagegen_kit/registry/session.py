"""``register``: what a notebook cell adds to the registry, and takes away again."""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import Price
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.hookspecs import GROUP, ProviderSpec, ScorerSpec
from imagegen_kit.lazy import load_target
from imagegen_kit.registry.classes import spec_of_class
from imagegen_kit.registry.current import get_registry
from imagegen_kit.registry.faults import (
    capabilities_from,
    capability_faults,
    column_faults,
    name_faults,
    spec_faults,
)
from imagegen_kit.registry.measuring import spec_of_function
from imagegen_kit.registry.offers import Offers, collect, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagegen_kit.registry.index import Registry

SOURCE = "registered in this session"
_lock = threading.RLock()  # reading what is registered and replacing it is one step


@dataclass(slots=True, eq=False)
class LocalFunctions:
    """The target of a provider made of functions; a cell that runs again changes what its models do from then on."""

    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def __call__(self, account: Any) -> Any:
        """Return the provider for one account."""
        return load_target("imagegen_kit.providers.function:LocalProvider")(self.functions, account)


class TakeAway:
    """Takes away what was registered, as ``unregister`` of it. Its copy in another process has nothing to take away."""

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def __call__(self) -> None:
        """Take it away."""
        self._undo()

    def __reduce__(self) -> tuple[type[TakeAway], tuple[Callable[[], None]]]:
        return TakeAway, (_nothing,)


def _nothing() -> None:
    """Take nothing away."""


def register(
    thing: Any = None,
    *,
    model: str | None = None,
    scorer: str | None = None,
    version: str | None = None,
    price_usd: float | None = None,
    **capabilities: Any,
) -> Any:
    """Add something to this session, and return what takes it away again.

    ``thing`` is a ``ProviderSpec``, ``Style``, ``RetrieverSpec`` or ``ScorerSpec``, a module with hooks, the path of a
    YAML file that describes a service (docs/job-apis.md), or a class: of a provider (class attribute ``spec`` or
    ``models``), of an embedder (methods ``embed_images``, ``embed_texts``), of a retriever (method ``retrieve``) or of
    a scorer (method ``score``, attribute ``spec``).
    As a decorator, ``@register(model="me/gradient", seed=True)`` makes a model of a function ``(request)`` or
    ``(request, on_progress)``, sync or async, that returns a PIL image, encoded bytes or a ``Reply``; the function
    itself comes back, with ``function.unregister()``. ``@register(scorer="redness", better="higher")`` makes a scorer
    of a function ``(subject)`` that returns a number, None, a ``Measurement`` or {measure: number}; its keywords are
    the fields of ``ScorerSpec``, and its scores are kept for good only where a ``version`` is given.

    ``version`` names the state of the code: pictures are cached only where it is given. ``price_usd`` is the price of
    one picture (None: free, it is your own function). ``capabilities`` are the fields of ``Capabilities``.

    The same name again replaces what this session registered before. Raises InvalidInput, with all faults, for unknown
    capabilities, unusable names, and names that an installed plugin owns; PluginError for a module whose hooks fail.
    """
    if scorer is not None:
        return _scoring(thing, scorer, model, version, price_usd, capabilities)
    faults = _call_faults(model, version, price_usd, capabilities)
    if thing is not None and (isinstance(thing, (type, ModuleType)) or not callable(thing)):
        given = [n for n, v in (("model", model), ("price_usd", price_usd), *capabilities.items()) if v is not None]
        if version is not None and not isinstance(thing, type):
            given.append("version")
        if given:
            what = f"applies only to a function, not to a {type(thing).__name__}."
            faults += [Fault(name, what, "State it in the spec.") for name in given]
    elif thing is not None:
        faults += _function_faults(thing, model)
    if faults:
        raise InvalidInput(faults)

    def add(it: Any) -> Callable[[], None]:
        with _lock:
            if callable(it) and not isinstance(it, type) and not _has_hooks(it):
                assert model is not None
                price = Price(0.0 if price_usd is None else float(price_usd), source=SOURCE)
                return _add_function(it, model, version, price, capabilities)
            return _add_specs(_specs_of(it, version))

    if thing is not None:
        return add(thing)

    def decorate(it: Any) -> Any:
        if isinstance(it, type):
            undo = register(it, model=model, version=version, price_usd=price_usd, **capabilities)
        elif found := _function_faults(it, model) if callable(it) else [_not_registrable(it)]:
            raise InvalidInput(found)
        else:
            undo = add(it)
        setattr(it, "unregister", TakeAway(undo))  # noqa: B010 - mypy knows no such attribute of classes and functions
        return it

    return decorate


def _scoring(thing: Any, name: str, model: Any, version: Any, price_usd: Any, facts: dict[str, Any]) -> Any:
    given = [n for n, v in (("model", model), ("price_usd", price_usd)) if v is not None]
    faults = [Fault(n, "says nothing of a scorer.") for n in given]
    if faults := faults + _call_faults(None, version, None, {}):
        raise InvalidInput(faults)

    def add(function: Any) -> Callable[[], None]:
        with _lock:
            return _add_specs(Offers((spec_of_function(function, name, version, facts),)))

    def decorate(function: Any) -> Any:
        function.unregister = TakeAway(add(function))
        return function

    return decorate if thing is None else add(thing)


def _call_faults(model: Any, version: Any, price_usd: Any, capabilities: dict[str, Any]) -> list[Fault]:
    faults = capability_faults(capabilities)
    if model is not None:
        provider, slash, name = str(model).partition("/")
        if not slash or not isinstance(model, str):
            faults.append(
                Fault("model", f"{model!r} is not a model name.", 'Write "provider/name", like "me/gradient".')
            )
        else:
            faults += name_faults("model", provider) + name_faults("model", name)
            if owner := get_registry().owner("provider", provider):
                hint = f'Choose another word before the slash, like "me/{name}".'
                faults.append(Fault("model", f"the provider {provider!r} belongs to {owner}.", hint))
    if version is not None and (not isinstance(version, str) or not version):
        faults.append(Fault("version", f"{version!r} is not text.", 'Write version="1".'))
    if price_usd is not None and (
        not isinstance(price_usd, (int, float)) or isinstance(price_usd, bool) or not 0 <= price_usd < float("inf")
    ):
        faults.append(Fault("price_usd", f"{price_usd!r} is not an amount of USD."))
    return faults


def _has_hooks(thing: object) -> bool:
    return any(hasattr(getattr(thing, name, None), f"{GROUP}_impl") for name in dir(thing))


def _function_faults(function: Any, model: str | None) -> list[Fault]:
    if _has_hooks(function):
        return []
    faults = []
    name = getattr(function, "__name__", type(function).__name__)
    if model is None:
        hint = f'Write @register(model="me/{str(name).lower()}").'
        faults.append(Fault("model", f"the function {name} needs a model name.", hint))
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return faults
    for arguments in ((None,), (None, None)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return faults
    what = f"{name}{signature} takes neither (request) nor (request, on_progress)."
    return [*faults, Fault("function", what)]


def _add_function(
    function: Callable[..., Any], model: str, version: str | None, price: Price, capabilities: dict[str, Any]
) -> Callable[[], None]:
    registry = get_registry()
    provider, _, name = model.partition("/")
    earlier = [s for s in registry.session_specs().values() if isinstance(s, ProviderSpec) and s.name == provider]
    target = next((s.target for s in earlier if isinstance(s.target, LocalFunctions)), LocalFunctions())
    card = (inspect.getdoc(function) or "").partition("\n")[0]
    spec = ProviderSpec(
        provider,
        models=(ModelSpec(name, can=capabilities_from(capabilities), price=price, card=card),),
        target=target,
        origin=f"local:{model}",
        output_version=version,
    )
    target.functions[name] = function
    # one spec for each function, because version and origin are its own; they share the target
    take_away = registry.put({("provider", model): spec}, drop=[("provider", provider)])

    def undo() -> None:
        take_away()
        if target.functions.get(name) is function:
            del target.functions[name]

    return undo


def _specs_of(thing: Any, version: str | None) -> Offers:
    if kind_of(thing):
        if faults := spec_faults(thing):
            raise InvalidInput(faults)
        return Offers((thing,))
    if isinstance(thing, type):
        return Offers((spec_of_class(thing, version),))
    if isinstance(thing, Path) or (isinstance(thing, str) and thing.lower().endswith((".yaml", ".yml"))):
        return Offers((load_target("imagegen_kit.providers.job_api.plugin:provider_of_file")(thing),))
    if isinstance(thing, ModuleType) or _has_hooks(thing):
        return collect(thing)
    raise InvalidInput([_not_registrable(thing)])


def _not_registrable(thing: object) -> Fault:
    hint = (
        "Give a ProviderSpec, Style, RetrieverSpec, ScorerSpec, a module with hooks, the path of a job-API file, "
        "a class of a provider, embedder, retriever or scorer, or a function."
    )
    return Fault("thing", f"a {type(thing).__name__} cannot be registered.", hint)


def _add_specs(offers: Offers) -> Callable[[], None]:
    registry: Registry = get_registry()
    faults = []
    drop: list[tuple[str, str]] = []
    scorers = {**registry.scorers(), **{spec.name: spec for spec in offers.specs if isinstance(spec, ScorerSpec)}}
    for (kind, name), spec in offers.items():
        if owner := registry.owner(kind, name):
            faults.append(Fault(kind, f"the name {name!r} belongs to {owner}.", "Choose another."))
        elif isinstance(spec, ScorerSpec):
            faults += column_faults(spec, scorers.values())
        if kind == "provider":
            drop += [key for key in registry.session_specs() if key[0] == kind and key[1].partition("/")[0] == name]
    if faults:
        raise InvalidInput(faults)
    return registry.put(dict(offers.items()), drop=drop)
