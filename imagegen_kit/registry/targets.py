"""Imports what a spec names as its target; what fails says which package to install, or whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import MissingDependency, PluginError
from imagegen_kit.lazy import load_target
from imagegen_kit.registry.offers import described_error

if TYPE_CHECKING:
    from imagegen_kit.hookspecs import ProviderSpec, RetrieverSpec, ScorerSpec


def target_of(spec: ProviderSpec | RetrieverSpec | ScorerSpec, kind: str, owner: str, **context: Any) -> Any:
    """Return the class that ``spec`` targets, importing it now.

    ``kind`` and ``owner`` say in errors what it is and whose; ``context`` goes into their attributes. Raises
    MissingDependency with the command that installs what is missing, and PluginError where the target itself is broken;
    the cause is chained.
    """
    if not isinstance(spec.target, str):
        return spec.target
    what = f"{kind} {spec.name!r}"
    try:
        target = load_target(spec.target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        own_module = spec.target.partition(":")[0]
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and not f"{own_module}.".startswith(f"{missing}."):
            package = missing.partition(".")[0]
            raise MissingDependency(what, package, spec.install or f"pip install {package}", **context) from error
        hint = f" Run: {spec.install}" if spec.install and isinstance(error, ImportError) else ""
        reason = f"{what} ({owner}): loading {spec.target} raised {described_error(error)}.{hint}"
        raise PluginError(reason, **context) from error
    if not callable(target):
        raise PluginError(f"{what} ({owner}): {spec.target} is no class.", **context)
    return target
