"""A user's own service: one of the YAML files that the setting ``job_apis`` names.

Each file is a plugin of its own, so that a fault in one takes neither the other files' services nor the toolkit's away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.hookspecs import ProviderSpec, hookimpl
from imagegen_kit.providers.job_api.plugin import provider_of_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The plugin that the file at ``path`` is."""

    path: Path

    @hookimpl
    def imagegen_providers(self) -> list[ProviderSpec]:
        """Return the provider that the file describes. Raises InvalidInput with every fault of the file."""
        return [provider_of_file(self.path)]
