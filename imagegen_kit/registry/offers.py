"""Asks one plugin, alone, what it offers, and refuses all of it when any part is wrong."""

from __future__ import annotations

import importlib
import inspect
import traceback
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from imagegen_kit import hookspecs, lazy
from imagegen_kit.errors import PluginError
from imagegen_kit.hookspecs import API_VERSION, GROUP, ProviderSpec, RetrieverSpec, ScorerSpec
from imagegen_kit.registry.faults import spec_faults
from imagegen_kit.types import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.hookspecs import Spec

HOOKS: dict[str, type[Any]] = {
    "imagegen_providers": ProviderSpec,
    "imagegen_styles": Style,
    "imagegen_retrievers": RetrieverSpec,
    "imagegen_scorers": ScorerSpec,
}
_MACHINERY = {Path(importlib.__file__).parent, Path(__file__).parent}  # frames in there say nothing of the culprit
_LAZY = Path(lazy.__file__)
KINDS: dict[type[Any], str] = {
    ProviderSpec: "provider",
    Style: "style",
    RetrieverSpec: "retriever",
    ScorerSpec: "scorer",
}


def kind_of(thing: object) -> str:
    """Return which kind of spec ``thing`` is, or nothing where it is none."""
    return next((kind for cls, kind in KINDS.items() if isinstance(thing, cls)), "")


class Refused(PluginError):
    """A plugin that cannot be used; ``update`` names the distribution that is too old, where it is not its own."""

    def __init__(self, reason: str, update: str = "") -> None:
        super().__init__(reason)
        self.update = update


@dataclass(frozen=True, slots=True)
class Offers:
    """Everything that one plugin offers; nothing in it is loaded yet."""

    specs: tuple[Spec, ...] = ()

    def items(self) -> Iterator[tuple[tuple[str, str], Spec]]:
        """Yield ``((kind, name), spec)``."""
        for spec in self.specs:
            yield (kind_of(spec), spec.name), spec

    def described(self) -> tuple[str, ...]:
        """Return what to show: model ids, and other specs as ``kind:name``."""
        texts: list[str] = []
        for (kind, name), spec in self.items():
            if isinstance(spec, ProviderSpec):
                texts.extend(f"{name}/{model.name}" for model in spec.models)
            else:
                texts.append(f"{getattr(spec, 'kind', kind)}:{name}")
        return tuple(texts)


def collect(plugin: object) -> Offers:
    """Return what ``plugin`` (a module, or an object with hooks) offers. Raises Refused with the reason, naming where.

    A module may state the contract that it was written for once, as ``imagegen_api_version = 1``.
    """
    _refuse_version(getattr(plugin, "imagegen_api_version", API_VERSION), "the plugin")
    _refuse_misspelt(plugin)
    manager = pluggy.PluginManager(GROUP)  # one for each plugin: nothing to roll back, and no plugin sees another
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name=getattr(plugin, "__name__", None) or type(plugin).__name__)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        reason = " ".join(str(error).split())
        raise Refused(f"a hook does not fit the contract: {reason}") from error
    specs: list[Spec] = []
    implemented = 0
    for hook, expected in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            implemented += 1
            specs.extend(_call(hook, implementation.function, expected))
    if not implemented:
        raise Refused(f"it implements none of the hooks {', '.join(HOOKS)}.")
    seen: set[tuple[str, str]] = set()
    for key, _ in Offers(tuple(specs)).items():
        if key in seen:
            raise Refused(f"it offers the {key[0]} {key[1]!r} twice.")
        seen.add(key)
    return Offers(tuple(specs))


def _call(hook: str, function: Any, expected: type[Any]) -> list[Spec]:
    try:
        value = function()
        if inspect.iscoroutine(value):
            value.close()
            raise Refused(f"{hook} is async; hooks return their list at once.")
        if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
            raise Refused(f"{hook} returned {_named(value)}, not a list of {expected.__name__}.")
        specs = list(value)
    except (Refused, KeyboardInterrupt):
        raise
    except BaseException as error:  # a hook that calls sys.exit must not end the session
        raise Refused(f"{hook} raised {described_error(error)}") from error
    for spec in specs:
        if not isinstance(spec, expected):
            raise Refused(f"{hook} returned {_named(spec)} in its list, not {expected.__name__}.")
        _refuse_version(spec.api_version, f"{hook}: {str(spec.name)[:40]!r}")
        if faults := spec_faults(spec):
            raise Refused(f"{hook} returned a faulty {expected.__name__}: " + " ".join(map(str, faults)))
    return specs


def _named(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _refuse_version(version: object, what: str) -> None:
    if version == API_VERSION and not isinstance(version, bool):
        return
    newer = isinstance(version, int) and version > API_VERSION
    raise Refused(
        f"{what} is written for version {str(version)[:20]} of the plugin contract; this imagegen-kit has version "
        f"{API_VERSION}.",
        update="imagegen-kit" if newer else "",
    )


def _refuse_misspelt(plugin: object) -> None:
    """Refuse functions that look like hooks and would be passed over in silence."""
    for name in dir(plugin):
        function = getattr(plugin, name, None)
        if not name.startswith("imagegen_") or not inspect.isroutine(function):
            continue
        if hasattr(function, f"{GROUP}_spec"):  # the contract itself, imported by the plugin
            continue
        marks = getattr(function, f"{GROUP}_impl", None)
        if name not in HOOKS and not (marks and marks.get("specname")):
            near = get_close_matches(name, HOOKS, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" The hooks are {', '.join(HOOKS)}."
            raise Refused(f"{name} is no hook.{hint}")
        if name in HOOKS and marks is None:
            raise Refused(
                f"{name} is not marked as a hook. Write @hookimpl above it (imagegen_kit.providers.hookimpl)."
            )


def described_error(error: BaseException) -> str:
    """Return type, message and place of an error in one line of at most 400 characters."""
    text = " ".join(traceback.format_exception_only(error)[-1].split())[:300]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if not frame.filename.startswith("<") and not _MACHINERY.intersection(path.parents) and path != _LAZY:
            return f"{text} ({path.parent.name}/{path.name}:{frame.lineno})"
    return text
