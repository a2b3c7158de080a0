"""What users' own files bring: the job-API files that are plugins, and entries of a catalogue that nothing reads."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.catalog.entries import own_entries, own_prices
from imagegen_kit.errors import unknown_name_fault
from imagegen_kit.hookspecs import ProviderSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.hookspecs import Spec
    from imagegen_kit.registry.names import Names

CATALOGUE = "catalogue"  # the name of the record that says which entries nothing reads
UNREAD_FIX = "correct the entries that the reason names, install what offers them, or take them out of the catalogue."


def job_api_files() -> Iterator[Path]:
    """Yield the files that ``job_apis`` names, each once: files as they are, and the YAML files of folders.

    The setting is read when the first one is asked for: after the built-in plugins, which load without settings.
    """
    from imagegen_kit.settings import settings

    setting = settings().job_apis or ""
    places = [Path(part.strip()).expanduser() for part in setting.split(os.pathsep) if part.strip()]
    found: list[Path] = []
    for place in places:
        try:
            found += sorted(p for p in place.iterdir() if p.suffix in (".yaml", ".yml")) if place.is_dir() else [place]
        except OSError:  # told when it is read, like a file that is not there
            found.append(place)
    yield from dict.fromkeys(path.absolute() for path in found)


def with_own_prices(specs: Mapping[tuple[str, str], Spec]) -> dict[tuple[str, str], Spec]:
    """Return ``specs`` with the user's own prices for models of plugins, which know nothing of the catalogue."""
    prices = own_prices()

    def priced(spec: Spec) -> Spec:
        if not isinstance(spec, ProviderSpec) or not any(f"{spec.name}/{m.name}" in prices for m in spec.models):
            return spec
        models = (replace(m, price=prices.get(f"{spec.name}/{m.name}", m.price)) for m in spec.models)
        return replace(spec, models=tuple(models))

    return {key: priced(spec) for key, spec in specs.items()} if prices else dict(specs)


def unread_entries(names: Names, owners: Mapping[tuple[str, str], str]) -> list[str]:
    """Return a sentence for each entry of the user's catalogue that no provider has taken up, with file and line."""
    said, prices = [], own_prices()
    for full, (place, entry) in own_entries().items():
        provider = full.partition("/")[0]
        model = names.models.get(full)
        if model and entry and all(getattr(model.spec, k) == getattr(entry, k) for k in ("as_of", "source", "price")):
            continue
        if model and full in prices and entry is None:  # applied by ``with_own_prices``
            continue
        if provider in names.providers:
            owner = owners.get(("provider", provider), "a plugin")
            said.append(f"{place}: {owner} does not read the catalogue; state this where its models stand.")
        else:
            near = unknown_name_fault("provider", provider, names.providers)
            said.append(f"{place}: no plugin offers the provider {provider!r}. {near.hint}")
    return said
