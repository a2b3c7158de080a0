"""Which scorers are asked for, with which options; all faults at once, before anything is scored."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.hookspecs import ScorerSpec
from imagegen_kit.types import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagegen_kit.registry import Registry

Asked = str | ScorerSpec | Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A scorer that is ready to score. ``by`` names the parameters that set its sets apart; None: as its spec says."""

    spec: ScorerSpec
    scorer: Any
    options: Mapping[str, Any]
    by: tuple[str, ...] | None = None

    @property
    def feature(self) -> str:
        """By what it measures, where the scorer itself says so."""
        return str(getattr(self.scorer, "feature", "") or "")

    @property
    def known_by(self) -> str | None:
        """What the scorer's numbers hang on besides pictures and requests, as text; None: on what cannot be told."""
        if self.spec.version is None:
            return None
        try:
            return json.dumps([self.options, self.feature], sort_keys=True, default=_plain)
        except (TypeError, ValueError):
            return None


def choose(asked: Asked | Sequence[Asked], registry: Registry) -> list[Chosen]:
    """Return the scorers that ``asked`` names: a name, a spec, {name: options}, or several of these.

    The option ``by`` (a parameter's name, or several) says what sets the sets of a scorer of sets apart. Raises
    InvalidInput with every fault, MissingDependency where a package is missing, and what a scorer says of its options.
    """
    faults: list[Fault] = []
    found: dict[str, Chosen] = {}
    for name, options in _named(asked, faults):
        try:
            chosen = _made(name, dict(options), registry)
        except InvalidInput as error:
            faults += error.faults
            continue
        if chosen.spec.name in found:
            faults.append(Fault("scorers", f"{chosen.spec.name!r} is asked for twice."))
        found[chosen.spec.name] = chosen
    if not found and not faults:
        hint = f"There are {', '.join(registry.scorers())}."
        faults.append(Fault("scorers", "no scorer is named.", hint))
    if faults:
        raise InvalidInput(faults)
    return list(found.values())


def _named(asked: Any, faults: list[Fault]) -> Iterator[tuple[str | ScorerSpec, Mapping[str, Any]]]:
    if isinstance(asked, (str, ScorerSpec)):
        yield asked, {}
    elif isinstance(asked, Mapping):
        for name, options in asked.items():
            if options is None or (isinstance(options, Mapping) and all(isinstance(key, str) for key in options)):
                yield name, options or {}
            else:
                what = f"a {type(options).__name__} is no set of options."
                faults.append(Fault(f"scorers {name}", what, f'Write {{"{name}": {{"option": value}}}}.'))
    elif isinstance(asked, (list, tuple, set, frozenset)):
        for one in asked:
            yield from _named(one, faults)
    else:
        hint = 'Write a name, a list of names, or {"name": {"option": value}}; a class is registered: ik.register(…).'
        faults.append(Fault("scorers", f"a {type(asked).__name__} names no scorer.", hint))


def _made(name: str | ScorerSpec, options: dict[str, Any], registry: Registry) -> Chosen:
    from imagegen_kit.registry.faults import column_faults
    from imagegen_kit.registry.targets import target_of

    if isinstance(name, ScorerSpec):
        if taken := column_faults(name, registry.scorers().values()):
            raise InvalidInput(taken)
        spec, target = name, target_of(name, "scorer", "given here")
    else:
        spec, target = registry.scorer(name), registry.scorer_target(name)
    where = f"scorers {spec.name}"
    by = options.pop("by", None)
    faults: list[Fault] = []
    if by is not None:
        if spec.scope != "set":
            faults.append(Fault(where, "takes no `by`: it looks at one picture at a time."))
        by = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, (list, tuple)) else by
        if not isinstance(by, tuple) or not all(isinstance(one, str) for one in by):
            faults.append(Fault(where, "`by` is a parameter's name, or a list of names."))
    signature = inspect.signature(target)
    try:
        signature.bind(**options)
    except TypeError as error:
        names = [*signature.parameters, *(["by"] if spec.scope == "set" else [])]
        takes = ", ".join(names) or "no options"
        faults.append(Fault(where, f"{error}.", f"It takes {takes}."))
    if faults:
        raise InvalidInput(faults)
    return Chosen(spec, target(**options), options, by)


def _plain(value: object) -> Any:
    """Return what an option is known by. Raises TypeError for what cannot be told."""
    if isinstance(value, Artifact):
        return value.sha256
    if isinstance(value, Path):
        return [str(value), hashlib.sha256(value.read_bytes()).hexdigest() if value.is_file() else None]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    raise TypeError(type(value).__name__)
