"""The user's own services: the YAML files that the setting ``job_apis`` names.

A plugin of its own, so that a fault in one of these files never takes the toolkit's services away.
"""

from __future__ import annotations

import os
from pathlib import Path

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.hookspecs import ProviderSpec, hookimpl
from imagegen_kit.providers.job_api.plugin import provider_of_file
from imagegen_kit.settings import settings


@hookimpl
def imagegen_providers() -> list[ProviderSpec]:
    """Return one provider for each file. Raises InvalidInput with every fault of every file."""
    found: list[ProviderSpec] = []
    faults: list[Fault] = []
    for path in own_files(settings().job_apis):
        try:
            found.append(provider_of_file(path))
        except InvalidInput as error:
            faults.extend(error.faults)
    if faults:
        raise InvalidInput(faults)
    return found


def own_files(setting: str | None) -> list[Path]:
    """Return the files that the setting names: files as they are, and the ``*.yaml`` and ``*.yml`` of folders."""
    places = [Path(part.strip()).expanduser() for part in (setting or "").split(os.pathsep) if part.strip()]
    found: list[Path] = []
    for place in places:
        found += sorted(p for p in place.iterdir() if p.suffix in (".yaml", ".yml")) if place.is_dir() else [place]
    return found
