"""Recipes as data: their name, their parameters, and what is wrong with the values that somebody wants to give them."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from imagegen_kit.engine.ask import check_values
from imagegen_kit.engine.policy import DEFAULT, Policy
from imagegen_kit.engine.prepare import readiness_fault
from imagegen_kit.engine.references import FEEDING, feeding_faults
from imagegen_kit.engine.replay import answers_for
from imagegen_kit.errors import Fault, InvalidInput, PluginError, unknown_name_fault
from imagegen_kit.lazy import load_target
from imagegen_kit.settings import settings
from imagegen_kit.tables.columns import COLUMN_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from imagegen_kit.registry import Registry

# A recipe parameter may not take the name of another column of `table()`, nor of what `run` itself takes.
RESERVED = frozenset({*COLUMN_NAMES, "policy", "engine"})


F = TypeVar("F", bound="Callable[..., Coroutine[Any, Any, Any]]")


def brings(
    *,
    policy: Policy = DEFAULT,
    faults: Callable[[Mapping[str, Any], Registry], list[Fault]] | None = None,
    models: Callable[[Mapping[str, Any]], Iterable[str | None]] | None = None,
) -> Callable[[F], F]:
    """Let a recipe bring what holds for all who run it.

    ``policy`` is in force where its user names none; it is ``recipe.policy``. ``faults(params, registry)`` returns what
    else is wrong with parameters, which is refused before anything is sent. ``models(params)`` names the models that
    will draw (None: the one in force): where one of them lacks its key or address, the whole call is refused.
    """

    def mark(recipe: F) -> F:
        recipe.policy, recipe.faults = policy, faults  # type: ignore[attr-defined]  # functions take attributes
        recipe.models = models  # type: ignore[attr-defined]  # as above
        return recipe

    return mark


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe function with what its signature says. ``open`` recipes take further options of the models.

    ``policy`` is in force where none is given, ``faults`` says what else is wrong with parameters, ``models`` which
    models will draw: see ``brings``.
    """

    function: Callable[..., Coroutine[Any, Any, Any]]
    name: str
    parameters: tuple[str, ...]
    required: tuple[str, ...]
    open: bool
    policy: Policy = DEFAULT
    faults: Callable[[Mapping[str, Any], Registry], list[Fault]] | None = None
    models: Callable[[Mapping[str, Any]], Iterable[str | None]] | None = None


def read_recipe(recipe: Any) -> Recipe:
    """Return ``recipe`` (a coroutine function over a job, or its dotted name) as data. Raises InvalidInput."""
    if isinstance(recipe, str):
        recipe = _load(recipe)
    if not inspect.iscoroutinefunction(recipe):
        raise InvalidInput([Fault("recipe", f"{recipe!r} is not a recipe.", "Write `async def name(job, …)`.")])
    parameters = list(inspect.signature(recipe).parameters.values())
    if not parameters or parameters[0].name != "job":
        raise InvalidInput([Fault("recipe", f"{recipe.__name__} does not take a job as its first argument.")])
    named = [p for p in parameters[1:] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    taken = sorted(p.name for p in named if p.name in RESERVED)
    if taken:
        what = f"{recipe.__name__} has parameters named like columns of the table: {', '.join(taken)}."
        raise InvalidInput([Fault("recipe", what, "Rename them.")])
    return Recipe(
        function=recipe,
        name=f"{recipe.__module__}:{recipe.__qualname__}",
        parameters=tuple(p.name for p in named),
        required=tuple(p.name for p in named if p.default is p.empty),
        open=any(p.kind is p.VAR_KEYWORD for p in parameters),
        policy=getattr(recipe, "policy", DEFAULT),
        faults=getattr(recipe, "faults", None),
        models=getattr(recipe, "models", None),
    )


def _load(name: str) -> Any:
    target = name if ":" in name else f"imagegen_kit.recipes:{name}"
    try:
        return load_target(target)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"the recipe {name!r} cannot be loaded ({error}). Where it was written in a notebook, run that cell first "
            "and start its experiment again: the run continues."
        ) from error


def faults_of(recipe: Recipe, params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return everything wrong with one set of parameters, as far as it can be told before running."""
    faults = unknown_parameters(recipe, params, registry, [params.get("model")])
    faults += [
        Fault(name, "it is missing.", f"{recipe.name} needs it.") for name in recipe.required if name not in params
    ]
    for name, value in params.items():
        faults += check_values(name, value, registry)
    if recipe.faults is not None:
        faults += recipe.faults(params, registry)
    if not faults and feeds(recipe):
        faults = feeding_faults([params])
    return faults


def unready(recipe: Recipe, params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return what to set before the models of a call can draw, once for each provider."""
    found: dict[str, Fault] = {}
    for name in dict.fromkeys(recipe.models(params)) if recipe.models is not None else ():
        with contextlib.suppress(InvalidInput):  # an unknown model is told elsewhere
            model = registry.model(name or settings().model, today=date.min)
            if model.spec.kind == "image" and (fault := readiness_fault(model)):
                found.setdefault(model.provider.name, fault)
    return list(found.values())


def feeds(recipe: Recipe) -> bool:
    """Whether a recipe takes what asks for retrieved references, so that it can be held against each other."""
    return {*FEEDING, "references"} <= set(recipe.parameters)


def unknown_parameters(recipe: Recipe, names: Any, registry: Registry, models: list[Any]) -> list[Fault]:
    """Return a fault for each name that is neither a parameter nor, in an open recipe, an option of a model."""
    known = set(recipe.parameters)
    if recipe.open and any(map(answers_for, models)):
        return []  # a model that is replayed need not be installed, so its options are not known
    if recipe.open:
        named = set()
        for name in models:
            with contextlib.suppress(InvalidInput):  # an unknown model is told elsewhere
                named.add(registry.model(name, today=date.min).id)
        known.add("output_format")  # which every model of pictures is fitted to
        for entry in registry.models():
            if entry.id in named or not any(models):
                known |= set(entry.spec.can.options)
    return [unknown_name_fault("parameter", n, known, where=n) for n in names if n not in known]
