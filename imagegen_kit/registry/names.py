"""One index over all specs: models by id, alias and bare name, everything else by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagegen_kit.hookspecs import ProviderSpec, RetrieverSpec, ScorerSpec
from imagegen_kit.registry.records import ResolvedModel
from imagegen_kit.types import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.hookspecs import Spec


@dataclass(slots=True)
class Names:
    """An index over all specs; never changed once built, so that readers need no lock."""

    models: dict[str, ResolvedModel] = field(default_factory=dict)
    by_any_name: dict[str, ResolvedModel] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    lost_aliases: dict[str, list[str]] = field(default_factory=dict)
    providers: dict[str, ProviderSpec] = field(default_factory=dict)
    styles: dict[str, Style] = field(default_factory=dict)
    retrievers: dict[str, RetrieverSpec] = field(default_factory=dict)
    scorers: dict[str, ScorerSpec] = field(default_factory=dict)


def index(specs: Iterable[Spec]) -> Names:
    """Build the index. An alias that two models claim stays with the first; the other is told so in its record."""
    names = Names()
    aliases: dict[str, ResolvedModel] = {}
    bare: dict[str, list[ResolvedModel]] = {}
    for spec in specs:
        if isinstance(spec, ProviderSpec):
            names.providers[spec.name] = spec
            for model in spec.models:
                resolved = ResolvedModel(f"{spec.name}/{model.name}", model, spec)
                names.models[resolved.id] = resolved
                bare.setdefault(model.name, []).append(resolved)
                for alias in model.aliases:
                    owner = aliases.setdefault(alias, resolved)
                    if owner is not resolved:
                        note = f"the alias {alias!r} belongs to {owner.id}; ask for {resolved.id} by its full name."
                        names.lost_aliases.setdefault(spec.name, []).append(note)
        elif isinstance(spec, Style):
            names.styles[spec.name] = spec
        elif isinstance(spec, RetrieverSpec):
            names.retrievers[spec.name] = spec
        else:
            names.scorers[spec.name] = spec
    unique = {name: found[0] for name, found in bare.items() if len(found) == 1}
    names.by_any_name = unique | aliases | names.models
    names.ambiguous = {name: sorted(m.id for m in found) for name, found in bare.items() if len(found) > 1}
    return names
