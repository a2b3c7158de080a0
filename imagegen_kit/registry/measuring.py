"""The spec of a function that a session registers as a scorer."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.hookspecs import ScorerSpec
from imagegen_kit.lazy import load_target
from imagegen_kit.registry.faults import spec_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FACTS = tuple(f.name for f in fields(ScorerSpec) if f.name not in ("name", "target", "version", "api_version"))


@dataclass(frozen=True, slots=True)
class OfFunction:
    """The target of a scorer that is one function of one subject, or of a set of them where its scope is "set"."""

    function: Callable[..., Any]
    whole_sets: bool

    def __call__(self) -> Any:
        """Return the scorer."""
        return load_target("imagegen_kit.scorers.function:FunctionScorer")(self.function, self.whole_sets)


def spec_of_function(function: Any, name: str, version: str | None, facts: Mapping[str, Any]) -> ScorerSpec:
    """Return the spec of a scoring function; ``facts`` are fields of ``ScorerSpec``. Raises InvalidInput."""
    faults = [unknown_name_fault("field of a scorer", n, _FACTS, where=n) for n in facts if n not in _FACTS]
    if not callable(function):
        faults.append(Fault("thing", f"a {type(function).__name__} is no function that scores a picture."))
    else:
        try:
            inspect.signature(function).bind(None)
        except TypeError:
            shown = f"{getattr(function, '__name__', 'the function')}{inspect.signature(function)}"
            faults.append(Fault("function", f"{shown} does not take (subject).", "Its picture is subject.image."))
        except ValueError:  # some functions written in C have no signature
            pass
    if faults:
        raise InvalidInput(faults)
    known = {"card": (inspect.getdoc(function) or "").partition("\n")[0], **facts}
    spec = ScorerSpec(name, target=OfFunction(function, known.get("scope") == "set"), version=version, **known)
    if found := spec_faults(spec):
        raise InvalidInput(found)
    return spec
