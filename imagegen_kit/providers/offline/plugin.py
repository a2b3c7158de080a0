"""How the offline models enter the toolkit: through the same hook as everybody's."""

from __future__ import annotations

from imagegen_kit.catalog import load_models
from imagegen_kit.hookspecs import ProviderSpec, hookimpl


@hookimpl
def imagegen_providers() -> list[ProviderSpec]:
    """Return the provider ``offline`` with its models."""
    return [
        ProviderSpec(
            name="offline",
            models=load_models("offline"),
            target="imagegen_kit.providers.offline.provider:OfflineProvider",
            origin="local:offline",
            output_version="3",
        )
    ]
